using Grpc.Net.Client;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>Members on this machine, each a process with ports and a folder of its own.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-server-tests-");
    private readonly List<GrpcChannel> _channels = [];

    private LocalCluster(int size)
    {
        for (var i = 0; i < size; i++)
        {
            Add(((char)('a' + i)).ToString());
        }
    }

    public List<LocalMember> Members { get; } = [];

    public string Folder => _folder.FullName;

    public string Endpoints => string.Join(',', Members.Select(member => member.ClientUrl));

    /// <summary>Members that are not started yet.</summary>
    public static LocalCluster Prepare(int size) => new(size);

    /// <summary>A cluster whose members are all ready.</summary>
    public static async Task<LocalCluster> StartAsync(int size, params string[] further)
    {
        var cluster = new LocalCluster(size);
        foreach (var member in cluster.Members)
        {
            cluster.Start(member, "new", further);
        }

        return await cluster.ReadyAsync();
    }

    /// <summary>This cluster, when all its members are ready. If one never is, none is left running.</summary>
    public async Task<LocalCluster> ReadyAsync()
    {
        try
        {
            foreach (var member in Members)
            {
                await UntilReadyAsync(member);
            }

            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public LocalMember Add(string name)
    {
        var member = new LocalMember(name, Path.Combine(Folder, name), FreePort.Take(), FreePort.Take(), FreePort.Take());
        Members.Add(member);
        return member;
    }

    public void Start(LocalMember member, string state, params string[] further) => member.Process = ServerProcess.Start(Arguments(member, state, further));

    public void StartWithin(long heapBytesMax, LocalMember member) =>
        member.Process = ServerProcess.StartWithin(heapBytesMax, Arguments(member, "new"));

    private IEnumerable<string> Arguments(LocalMember member, string state, params string[] further) =>
    [
        $"--name={member.Name}", $"--data-dir={member.DataDirectory}",
        $"--listen-client-urls={member.ClientUrl}", $"--advertise-client-urls={member.ClientUrl}",
        $"--listen-peer-urls={member.PeerUrl}", $"--initial-advertise-peer-urls={member.PeerUrl}",
        $"--listen-metrics-urls={member.MetricsUrl}",
        $"--initial-cluster-state={state}",
        $"--initial-cluster={string.Join(',', Members.Select(other => $"{other.Name}={other.PeerUrl}"))}",
        .. further,
    ];

    public GrpcChannel Channel(LocalMember member, int? receivedBytesMax = 4 * 1024 * 1024)
    {
        var channel = GrpcChannel.ForAddress(
            member.ClientUrl, new GrpcChannelOptions { MaxSendMessageSize = null, MaxReceiveMessageSize = receivedBytesMax });
        _channels.Add(channel);
        return channel;
    }

    public async Task UntilReadyAsync(LocalMember member)
    {
        using var http = new HttpClient();
        await UntilAsync($"member {member.Name} is ready", member, async () =>
        {
            using var answer = await http.GetAsync(member.MetricsUrl + "/readyz");
            return answer.IsSuccessStatusCode;
        });
    }

    /// <summary>The member that leads, once all that run agree on it.</summary>
    public async Task<LocalMember> LeaderAsync()
    {
        LocalMember? leader = null;
        var running = Members.Where(member => member.Process is { HasExited: false }).ToList();
        await UntilAsync("the members agree on a leader", running[0], async () =>
        {
            var answers = new List<StatusResponse>();
            foreach (var member in running)
            {
                answers.Add(await new Maintenance.MaintenanceClient(Channel(member)).StatusAsync(new(), deadline: DateTime.UtcNow.AddSeconds(2)));
            }

            var index = answers.FindIndex(answer => answer.Header.MemberId == answer.Leader);
            leader = index < 0 || answers.Any(answer => answer.Leader != answers[index].Leader) ? null : running[index];
            return leader is not null;
        });
        return leader!;
    }

    /// <summary>Waits for a condition; fails with the member's own words.</summary>
    public static async Task UntilAsync(string what, LocalMember member, Func<Task<bool>> condition)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var deadline = DateTime.UtcNow + Patience;
        while (DateTime.UtcNow < deadline)
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (Exception error) when (error is HttpRequestException or Grpc.Core.RpcException or TaskCanceledException)
            {
                // Not yet.
            }

            Assert.False(member.Process is { HasExited: true }, $"While waiting until {what}, {member.Name} ended: {member.Process?.Output}");
            await pause.WaitForNextTickAsync();
        }

        Assert.Fail($"It did not come about that {what}. {member.Name} said: {member.Process?.Output}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
        {
            channel.Dispose();
        }

        foreach (var member in Members)
        {
            if (member.Process is { } process)
            {
                await process.DisposeAsync();
            }
        }

        _folder.Delete(recursive: true);
    }
}

/// <summary>A member's place on this machine.</summary>
internal sealed class LocalMember(string name, string dataDirectory, int clientPort, int peerPort, int metricsPort)
{
    public string Name => name;

    public string DataDirectory => dataDirectory;

    public string Scheme { get; set; } = "http";

    public string ClientUrl => $"{Scheme}://127.0.0.1:{clientPort}";

    public string PeerUrl => $"{Scheme}://127.0.0.1:{peerPort}";

    public string MetricsUrl => $"http://127.0.0.1:{metricsPort}";

    public ServerProcess? Process { get; set; }
}
