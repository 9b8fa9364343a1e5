using Raft.Consensus;
using Raft.Protocol.V1;
using Raft.Server.Hosting;
using Raft.Server.Options;
using Raft.Server.Services;
using Raft.Storage;
using Raft.Storage.Log;
using Raft.Transport;

namespace Raft.Server.Membership;

/// <summary>
/// The member's life in this process: blank and waiting, or running. The data directory is the only memory of which it is.
/// </summary>
internal sealed class MemberHost(
    ServerOptions options, PeerCertificates certificates, PeerEndpoint endpoint, IHostApplicationLifetime lifetime, TimeProvider time,
    ILoggerFactory loggers)
    : IAsyncDisposable
{
    private readonly ILogger _logger = loggers.CreateLogger<MemberHost>();
    private readonly SemaphoreSlim _changing = new(1, 1);
    private DataDirectory? _directory;
    private RunningMember? _running;

    /// <summary>Why the member stopped by itself, if it did: the process ends with an error.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The member, if it has an identity.</summary>
    public RunningMember? Running => Volatile.Read(ref _running);

    /// <summary>The member, which has to be there.</summary>
    /// <exception cref="Grpc.Core.RpcException">It waits to be told who it is.</exception>
    public RunningMember Require() => Running ?? throw Refusals.NotStarted();

    /// <summary>Opens the data directory and starts, or waits to be told.</summary>
    /// <exception cref="CannotStartException">The settings and the cluster do not fit.</exception>
    /// <exception cref="DataDirectoryException">The data directory cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _logger.Starting(options.Name, ProductVersion.Own, ProductVersion.EtcdApi, options.DataDirectory);
        _directory = DataDirectory.Open(options.DataDirectory);
        if (_directory.Identity is null)
        {
            switch (options.InitialClusterState)
            {
                case InitialClusterState.New:
                    var founder = InitialIdentity.OfNewCluster(options);
                    await FirstStart.EnsureAsync(founder, options, PeerOptions(), cancellation);
                    _directory.Initialize(founder, new LogOptions());
                    break;
                case InitialClusterState.Existing:
                    _directory.Initialize(await InitialIdentity.OfRunningClusterAsync(options, PeerOptions(), cancellation), new LogOptions());
                    break;
                default:
                    _logger.AwaitingIdentity();
                    return;
            }
        }

        await RunAsync();
    }

    /// <summary>Gives a waiting member its identity and starts it. Repeating the same call changes nothing.</summary>
    /// <returns>False: it is someone else already.</returns>
    public async Task<bool> InitializeAsync(InitializeRequest request)
    {
        await _changing.WaitAsync();
        try
        {
            if (_directory!.Identity is { } identity)
            {
                return identity.ClusterId == request.ClusterId && identity.MemberId == request.MemberId;
            }

            var self = new InitialMember(
                request.MemberId, options.Name, [.. options.AdvertisePeerUrls.Select(SettingList.Canonical)], false);
            _directory.Initialize(
                new MemberIdentity
                {
                    ClusterId = request.ClusterId,
                    MemberId = request.MemberId,
                    Name = options.Name,
                    FormedCluster = request.FormNewCluster,
                    InitialMembers = request.FormNewCluster
                        ? [self]
                        : [.. request.Members.Select(member => new InitialMember(member.ID, member.Name, [.. member.PeerURLs], member.IsLearner))],
                },
                new LogOptions());
            await RunAsync();
            return true;
        }
        finally
        {
            _changing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Running is { } running)
        {
            await running.DisposeAsync();
        }

        _directory?.Dispose();
        _changing.Dispose();
    }

    private async Task RunAsync() => Volatile.Write(
        ref _running, await RunningMember.StartAsync(options, PeerOptions(), _directory!, endpoint, Fail, time, loggers));

    private void Fail(Exception error)
    {
        Failure = error;
        _logger.Failed(error);
        lifetime.StopApplication();
    }

    private PeerOptions PeerOptions() => new()
    {
        ClusterId = 0,
        Self = MemberId.None,
        ClientTls = () => certificates.Files?.ForClient() ?? new(),
    };
}

/// <summary>The certificates for other members, if there are any.</summary>
internal sealed record PeerCertificates(CertificateFiles? Files);
