using System.Security.Cryptography;
using Raft.Consensus;
using Raft.KeyValue.Watching;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Compaction;
using Raft.Server.Hosting;
using Raft.Server.Integrity;
using Raft.Server.Options;
using Raft.Server.Watching;
using Raft.Storage;
using Raft.Storage.Log;
using Raft.Storage.Ordered;
using Raft.Transport;

namespace Raft.Server.Membership;

/// <summary>A member that has an identity: its disks, its node, its loop and its way to the others.</summary>
internal sealed class RunningMember : IAsyncDisposable
{
    /// <summary>A pair of 256 bytes takes some 350 here; what does not fit is read through the store's own cache of blocks.</summary>
    private const long NewestVersionsBytes = 40L << 20;

    private static readonly TimeSpan ChorePeriod = TimeSpan.FromMilliseconds(500);

    /// <summary>A watch of one short key was measured to take 380.</summary>
    private const int WatcherBytes = 512;

    private readonly ServerOptions _options;
    private readonly ILogger _logger;
    private readonly WriteAheadLog _log;
    private readonly PeerTransport _transport;
    private readonly NodeLoop _loop;
    private readonly WatchLoop _watchLoop;
    private readonly CancellationTokenSource _stop = new();
    private readonly StateHashing _hashing;
    private readonly Task _chores;
    private readonly Task _corruptionChecks;
    private readonly Task _compaction;

    private RunningMember(
        ServerOptions options, MemberIdentity identity, WriteAheadLog log, RocksStore store, PeerTransport transport, NodeLoop loop, Node.Node node,
        StateHashing hashing, CorruptionCheck corruption, TimeProvider time, ILogger logger)
    {
        (_options, Identity, _log, Store, _transport, _loop, Node, _logger) = (options, identity, log, store, transport, loop, node, logger);
        (_hashing, Corruption) = (hashing, corruption);
        _watchLoop = new WatchLoop(node.Watches);
        _chores = Task.Run(DoChoresAsync);
        _corruptionChecks = options.CorruptCheckTime > TimeSpan.Zero
            ? Task.Run(() => corruption.RunAsync(options.CorruptCheckTime, _stop.Token))
            : Task.CompletedTask;
        _compaction = AutoCompaction.RunAsync(options.AutoCompaction, new CompactedNode(node), time, logger, _stop.Token);
    }

    public MemberIdentity Identity { get; }

    public Node.Node Node { get; }

    public RocksStore Store { get; }

    /// <summary>What compares the members' data.</summary>
    public CorruptionCheck Corruption { get; }

    /// <summary>Opens log and store, and takes part from now on.</summary>
    public static async Task<RunningMember> StartAsync(
        ServerOptions options, PeerOptions peers, DataDirectory directory, PeerEndpoint endpoint, Action<Exception> failed, TimeProvider time,
        ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger<RunningMember>();
        var identity = directory.Identity!;
        logger.IdentityKnown(identity.MemberId, identity.ClusterId);
        // The log first: it refuses what is damaged before the store, which recovers at once, has changed anything.
        var (log, recovered) = directory.OpenLog(new LogOptions());
        var store = directory.OpenStore(new StoreOptions());
        if (identity.FormedCluster)
        {
            await InitialState.WriteAsync(store, InitialIdentity.MembersOf(identity));
        }

        var requestTime = TimeSpan.FromSeconds(5) + (2 * options.ElectionTimeout);
        peers = peers with
        {
            ClusterId = identity.ClusterId,
            Self = new MemberId(identity.MemberId),
            CallTimeout = requestTime,
            InitialPeers = identity.InitialMembers.ToDictionary(member => new MemberId(member.Id), member => member.PeerUrls),
        };
        var inbox = new NodeInbox(identity.ClusterId, store, by => logger.RemovedFromCluster(by.ToString()));
        var transport = new PeerTransport(peers, inbox, loggers.CreateLogger<PeerTransport>());
        var loop = new NodeLoop(options.HeartbeatInterval, log);
        var nodeOptions = new NodeOptions
        {
            ClusterId = identity.ClusterId,
            Consensus = new ConsensusOptions
            {
                Id = new MemberId(identity.MemberId),
                Random = RandomNumberGenerator.GetInt32,
                ElectionTicks = options.ElectionTicks,
                UncommittedBytesMax = Math.Max(256L << 20, 2L * options.MaxRequestBytes),
            },
            NewMemberId = () => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
            RequestTicks = (int)(requestTime / options.HeartbeatInterval),
            TickMs = (long)options.HeartbeatInterval.TotalMilliseconds,
            UnixTimeMs = () => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
            NewestVersionsBytes = NewestVersionsBytes,
            SnapshotEntries = options.SnapshotCount,
            CatchUpEntries = Math.Min(5_000, options.SnapshotCount),
            Watching = new WatchLimits
            {
                WatchersMax = options.MaxWatchers > 0 ? options.MaxWatchers : MemoryShare.CountOf(parts: 8, WatcherBytes),
                WatchedBytesMax = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 16,
                StreamWatchersMax = options.MaxWatchersPerStream,
                QueuedBytesMax = Math.Min(128L << 20, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8),
            },
        };
        var node = new Node.Node(nodeOptions, new NodePorts(log, store, transport, transport, loop.Wake, loop.RunBeside, failed), recovered);
        var hashing = new StateHashing(node);
        var corruption = new CorruptionCheck(node, hashing, transport, identity.MemberId, loggers.CreateLogger<CorruptionCheck>());
        if (options.InitialCorruptCheck)
        {
            try
            {
                await corruption.BeforeServingAsync(CancellationToken.None);
            }
            catch
            {
                await transport.DisposeAsync();
                log.Dispose();
                node.Store.Dispose();
                store.Dispose();
                throw;
            }
        }

        inbox.Hash = hashing.AnswerAsync;
        inbox.Bind(node);
        endpoint.Serve(peers, inbox, transport);
        if (node.Status.Consensus.Configuration.Voters.SetEquals([new MemberId(identity.MemberId)]))
        {
            node.Campaign();
        }

        loop.Start(node);
        return new RunningMember(options, identity, log, store, transport, loop, node, hashing, corruption, time, logger);
    }

    /// <summary>Hands leadership over, if this member has it, within the time given.</summary>
    public async Task LeaveAsync(TimeSpan limit)
    {
        try
        {
            await Node.LeaveAsync().WaitAsync(limit);
            _logger.Leaving("leadership is with another member, or never was here");
        }
        catch (TimeoutException)
        {
            _logger.Leaving("leadership could not be handed over in time");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _chores.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _corruptionChecks.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _compaction.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _transport.DisposeAsync();
        _loop.Dispose();
        _watchLoop.Dispose();
        _log.Dispose();
        Node.Store.Dispose();
        Store.Dispose();
        _hashing.Dispose();
        _stop.Dispose();
    }

    /// <summary>Small things that nobody waits for: tell who leads, publish the own name, watch the quota, forget expired tokens.</summary>
    private async Task DoChoresAsync()
    {
        using var timer = new PeriodicTimer(ChorePeriod);
        var lastLeader = MemberId.None;
        var lastTerm = Term.Zero;
        do
        {
            var status = Node.Status.Consensus;
            if (status.Leader != lastLeader || status.Term != lastTerm)
            {
                (lastLeader, lastTerm) = (status.Leader, status.Term);
                if (status.Leader == MemberId.None)
                {
                    _logger.LeaderLost(status.Term.Value);
                }
                else
                {
                    _logger.LeaderKnown(status.Leader.ToString(), status.Term.Value);
                }
            }

            Node.Store.Tokens.ForgetUnusedSince((DateTimeOffset.UtcNow - _options.AuthTokenTtl).ToUnixTimeMilliseconds());
            try
            {
                if (status.Leader != MemberId.None)
                {
                    await PublishAsync();
                    await WatchQuotaAsync();
                }
            }
            catch (Exception error) when (error is RequestRefusedException or Grpc.Core.RpcException)
            {
                _logger.NotPublished(error.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(_stop.Token));
    }

    private async Task PublishAsync()
    {
        var urls = _options.AdvertiseClientUrls.Select(SettingList.Canonical);
        var self = Node.Members.FirstOrDefault(member => member.ID == Identity.MemberId);
        if (self is null || (self.Name == _options.Name && self.ClientURLs.SequenceEqual(urls)))
        {
            return;
        }

        var attributes = new MemberAttributes { MemberId = Identity.MemberId, Name = _options.Name };
        attributes.ClientUrls.AddRange(urls);
        await Node.ProposeAsync(new Command { MemberAttributes = attributes });
    }

    private async Task WatchQuotaAsync()
    {
        var size = Store.SizeBytes.Total;
        if (size <= _options.QuotaBackendBytes)
        {
            return;
        }

        using (var view = Node.Store.OpenView())
        {
            if (view.Alarms(AlarmType.Nospace).Any(alarm => alarm.MemberID == Identity.MemberId))
            {
                return;
            }
        }

        _logger.QuotaExceeded(size, _options.QuotaBackendBytes);
        await Node.ProposeAsync(new Command
        {
            Alarm = new AlarmRequest
            {
                Action = AlarmRequest.Types.AlarmAction.Activate,
                MemberID = Identity.MemberId,
                Alarm = AlarmType.Nospace,
            },
        });
    }
}
