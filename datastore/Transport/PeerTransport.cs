using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport;

/// <summary>
/// The way to the other members: for each, two links that stay open (see <see cref="PeerLink"/>), snapshots on the side, and
/// a stream of requests that a follower forwards to the leader (see <see cref="ForwardLink"/>).
/// </summary>
public sealed partial class PeerTransport : IPeers, IForwarder, IAsyncDisposable
{
    private readonly PeerOptions _options;
    private readonly IPeerInbox _inbox;
    private readonly ILogger _logger;
    private readonly SnapshotSender _snapshots;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _updating = new();
    private readonly ConcurrentDictionary<Task, byte> _background = new();
    private readonly ConcurrentDictionary<MemberId, long> _heartbeats = new();
    private readonly ConcurrentDictionary<MemberId, byte> _heard = new();
    private int _disposed;
    private volatile ImmutableDictionary<MemberId, Remote> _peers = ImmutableDictionary<MemberId, Remote>.Empty;

    /// <summary>Knows whom the options name.</summary>
    public PeerTransport(PeerOptions options, IPeerInbox inbox, ILogger<PeerTransport> logger)
    {
        (_options, _inbox, _logger) = (options, inbox, logger);
        _snapshots = new(options, logger);
        Replace(options.InitialPeers);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A member that joins knows of nobody until the leader's snapshot tells it, but must answer before: as long as nobody is
    /// named here, the options' initial peers stay.
    /// </remarks>
    public void Update(IReadOnlyDictionary<MemberId, IReadOnlyList<string>> peerUrls) =>
        Replace(peerUrls.Count > 0 ? peerUrls : _options.InitialPeers);

    /// <inheritdoc/>
    public void Send(IReadOnlyList<Message> messages)
    {
        var peers = _peers;
        foreach (var message in messages)
        {
            if (!peers.TryGetValue(message.To, out var remote))
            {
                continue;
            }

            if (message.Kind == MessageKind.HeartbeatRequest)
            {
                _heartbeats.TryAdd(message.To, Stopwatch.GetTimestamp());
            }

            (message.Kind == MessageKind.AppendRequest ? remote.Appends : remote.Messages).Send(message);
        }
    }

    /// <inheritdoc/>
    public void SendSnapshot(Message message, IStateSnapshot snapshot, Action<bool> completed)
    {
        var urls = _peers.TryGetValue(message.To, out var remote) ? remote.Urls : [];
        InBackground(Task.Run(async () =>
        {
            var delivered = false;
            try
            {
                delivered = await _snapshots.SendAsync(message, snapshot, urls, _stop.Token).ConfigureAwait(false);
            }
            finally
            {
                snapshot.Dispose();
                completed(delivered);
            }
        }));
    }

    /// <summary>Whether the links to the member stand.</summary>
    public bool IsConnected(MemberId member) =>
        _peers.TryGetValue(member, out var remote) && remote.Messages.IsConnected && remote.Appends.IsConnected;

    /// <inheritdoc/>
    /// <exception cref="RequestRefusedException">The leader's refusal.</exception>
    /// <exception cref="CommandRefusedException">The state machine's refusal.</exception>
    public Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation) =>
        Forward(leader, request).WaitAsync(cancellation);

    /// <inheritdoc/>
    public async Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation)
    {
        try
        {
            var answer = Forward(leader, new() { ReadIndex = new() });
            return new((await answer.WaitAsync(_options.CallTimeout, cancellation).ConfigureAwait(false)).Index);
        }
        catch (Exception error) when (error is not ForwardingException { SurelyNotDone: true } and not OperationCanceledException)
        {
            throw new ForwardingException(true, error.Message, error); // a question changes nothing
        }
    }

    /// <summary>Asks a running cluster who is in it: the first of the URLs that answers.</summary>
    /// <exception cref="RpcException">None did; the last one's reason.</exception>
    public static async Task<MembersResponse> MembersAsync(
        IReadOnlyList<string> urls, PeerOptions options, CancellationToken cancellation)
    {
        RpcException last = new(new(StatusCode.Unavailable, "no peer URL is known"));
        foreach (var url in urls)
        {
            try
            {
                return await AskMembersAsync(url, options, cancellation).ConfigureAwait(false);
            }
            catch (RpcException error) when (!cancellation.IsCancellationRequested)
            {
                last = new(new(error.StatusCode, PeerChannel.Explain(error, url), error));
            }
        }

        throw last;
    }

    /// <summary>Asks whoever is at the URLs, all at once, who is in their cluster. Those that do not answer are left out.</summary>
    public static async Task<IReadOnlyList<(string Url, MembersResponse Answer)>> MembersByAllAsync(
        IReadOnlyList<string> urls, PeerOptions options, CancellationToken cancellation)
    {
        var answers = await Task.WhenAll(urls.Select(async url =>
        {
            try
            {
                return await AskMembersAsync(url, options, cancellation).ConfigureAwait(false);
            }
            catch (RpcException) when (!cancellation.IsCancellationRequested)
            {
                return null;
            }
        })).ConfigureAwait(false);
        return [.. urls.Zip(answers).Where(asked => asked.Second is not null).Select(asked => (asked.First, asked.Second!))];
    }

    /// <summary>Closes all connections; snapshots under way are given up.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        Replace(ImmutableDictionary<MemberId, IReadOnlyList<string>>.Empty);
        await Task.WhenAll(_background.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    /// <summary>The members that have called since this one started.</summary>
    internal IEnumerable<MemberId> HeardSinceStart => _heard.Keys;

    /// <summary>
    /// A member called, so it is there: links to it that wait to try again need not. Strangers are not remembered: any number may call.
    /// </summary>
    internal void Heard(MemberId from)
    {
        if (_peers.TryGetValue(from, out var remote))
        {
            _heard.TryAdd(from, 0);
            remote.Messages.Hurry();
            remote.Appends.Hurry();
        }
    }

    /// <summary>Measures the time from the first unanswered heartbeat to an answer.</summary>
    internal void Answered(MemberId from)
    {
        if (_heartbeats.TryRemove(from, out var sent))
        {
            TransportMetrics.RoundTripSeconds.Record(Stopwatch.GetElapsedTime(sent).TotalSeconds, TransportMetrics.To(from));
        }
    }

    private static async Task<MembersResponse> AskMembersAsync(string url, PeerOptions options, CancellationToken cancellation)
    {
        using var channel = PeerChannel.Open(url, options);
        return await new Peer.PeerClient(channel)
            .MembersAsync(new(), deadline: DateTime.UtcNow + (options.ConnectTimeout * 2), cancellationToken: cancellation)
            .ResponseAsync.ConfigureAwait(false);
    }

    private void Replace(IReadOnlyDictionary<MemberId, IReadOnlyList<string>> peerUrls)
    {
        lock (_updating)
        {
            var peers = _peers.ToBuilder();
            foreach (var (id, remote) in _peers)
            {
                if (!peerUrls.TryGetValue(id, out var urls))
                {
                    peers.Remove(id);
                    InBackground(remote.DisposeAsync().AsTask());
                }
                else if (!urls.SequenceEqual(remote.Urls))
                {
                    peers[id] = remote.WithUrls(urls);
                }
            }

            foreach (var (id, urls) in peerUrls)
            {
                if (id != _options.Self && !peers.ContainsKey(id) && !_stop.IsCancellationRequested)
                {
                    peers[id] = new(
                        id,
                        urls,
                        _options,
                        new(id, "messages", urls, _options, _inbox, _logger),
                        new(id, "appends", urls, _options, _inbox, _logger));
                }
            }

            _peers = peers.ToImmutable();
        }
    }

    private Task<ForwardResponse> Forward(MemberId leader, ForwardRequest request) =>
        _peers.TryGetValue(leader, out var remote) && remote.Urls.Count > 0
            ? remote.Forwards.SendAsync(request)
            : Task.FromException<ForwardResponse>(new ForwardingException(true, $"The peer URL of member {leader} is not known."));

    private void InBackground(Task task)
    {
        _background.TryAdd(task, 0);
        task.ContinueWith(
            done => _background.TryRemove(done, out _),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>What is kept for one member.</summary>
    private sealed class Remote(MemberId id, IReadOnlyList<string> urls, PeerOptions options, PeerLink messages, PeerLink appends)
        : IAsyncDisposable
    {
        private readonly Lock _opening = new();
        private GrpcChannel? _channel;

        public IReadOnlyList<string> Urls => urls;

        public PeerLink Messages => messages;

        public PeerLink Appends => appends;

        /// <summary>Requests to it, which go to the first URL.</summary>
        public ForwardLink Forwards { get; } = new(id, urls.Count > 0 ? urls[0] : "", options);

        public Remote WithUrls(IReadOnlyList<string> newUrls)
        {
            messages.UseUrls(newUrls);
            appends.UseUrls(newUrls);
            CloseCalls();
            return new(id, newUrls, options, messages, appends);
        }

        /// <summary>For single calls, which go to the first URL: Transport opens a connection only when one is made.</summary>
        public Peer.PeerClient Client(PeerOptions options)
        {
            lock (_opening)
            {
                _channel ??= PeerChannel.Open(urls[0], options);
                return new(_channel);
            }
        }

        public async ValueTask DisposeAsync()
        {
            CloseCalls();
            await Task.WhenAll(messages.DisposeAsync().AsTask(), appends.DisposeAsync().AsTask()).ConfigureAwait(false);
        }

        private void CloseCalls()
        {
            lock (_opening)
            {
                Forwards.Dispose();
                _channel?.Dispose();
            }
        }
    }
}
