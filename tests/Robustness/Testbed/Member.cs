using System.Diagnostics;
using Grpc.Net.Client;
using Raft.Protocol.Etcd;

namespace Raft.Robustness.Tests.Testbed;

/// <summary>
/// A place for a member: a namespace, a disk, a clock, and at times a process. Who is a member of the cluster is for
/// <see cref="TestCluster"/> to say.
/// </summary>
internal sealed class Member : IAsyncDisposable
{
    /// <summary>The everyday build, or what RAFT_SERVER names: the program that goes into the image, say.</summary>
    private static readonly string Program =
        Environment.GetEnvironmentVariable("RAFT_SERVER") ?? Path.Combine(AppContext.BaseDirectory, "Raft.Server");

    private readonly Network _network;
    private readonly string _log;
    private readonly Lock _logging = new();
    private readonly string _shimLibrary;
    private readonly GrpcChannel _channel;
    private Process? _process;
    private string[] _arguments = [];

    public Member(int index, Network network, string shimLibrary, string logFolder)
    {
        Index = index;
        _network = network;
        _shimLibrary = shimLibrary;
        _log = Path.Combine(logFolder, $"{Name}.log");
        Disk = new MemberDisk($"{network.Folder}/{Name}");
        Shim = new FaultShim($"{network.Folder}/{Name}.faults");
        _channel = Connect();
        Cluster = new Cluster.ClusterClient(_channel);
        Maintenance = new Maintenance.MaintenanceClient(_channel);
        KeyValue = new KV.KVClient(_channel);
        Leases = new Lease.LeaseClient(_channel);
    }

    public int Index { get; }

    public string Name => ((char)('a' + Index)).ToString();

    public MemberDisk Disk { get; }

    public FaultShim Shim { get; }

    public string PeerUrl => $"http://{_network.AddressOf(Index)}:2380";

    public Cluster.ClusterClient Cluster { get; }

    public Maintenance.MaintenanceClient Maintenance { get; }

    public KV.KVClient KeyValue { get; }

    public Lease.LeaseClient Leases { get; }

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The exit code of a process that ended without being told to.</summary>
    public int? EndedBy => _process is { HasExited: true } ended ? ended.ExitCode : null;

    private string ClientUrl => $"http://{_network.AddressOf(Index)}:2379";

    /// <summary>A connection of a client's own.</summary>
    public GrpcChannel Connect() => GrpcChannel.ForAddress(ClientUrl, new GrpcChannelOptions
    {
        InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
        MaxReconnectBackoff = TimeSpan.FromSeconds(1),
        HttpHandler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(1),
            KeepAlivePingDelay = TimeSpan.FromSeconds(2),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(2),
        },
    });

    /// <summary>Starts the server as one of a new cluster, or as a newcomer to one that runs. What it is already, its disk knows.</summary>
    public void Start(string state, string initialCluster)
    {
        _arguments =
        [
            "netns", "exec", _network.NamespaceOf(Index), "env", $"LD_PRELOAD={_shimLibrary}", $"FAULT_SHIM={Shim.Path}", Program,
            $"--name={Name}", $"--data-dir={Disk.DataDirectory}",
            $"--listen-client-urls={ClientUrl}", $"--advertise-client-urls={ClientUrl}",
            $"--listen-peer-urls={PeerUrl}", $"--initial-advertise-peer-urls={PeerUrl}",
            $"--initial-cluster-state={state}", $"--initial-cluster={initialCluster}",
            // Small, so that a member that was away needs a snapshot before long.
            "--snapshot-count=1000",
        ];
        Restart();
    }

    /// <summary>Starts the server again as it was started last.</summary>
    public void Restart()
    {
        var start = new ProcessStartInfo("ip", _arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Remember(line.Data);
        process.ErrorDataReceived += (_, line) => Remember(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (Interlocked.Exchange(ref _process, null) is not { } process)
            return;
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public Task SuspendAsync() => SignalAsync("STOP");

    public Task ResumeAsync() => SignalAsync("CONT");

    /// <summary>Its clock, its disk, its network and its process are as they should be, whatever was done to them.</summary>
    public async Task HealAsync()
    {
        Shim.ClockOffset = TimeSpan.Zero;
        Shim.SyncDelay = TimeSpan.Zero;
        Disk.Free();
        await _network.HealAsync(Index);
        await ResumeAsync();
    }

    /// <summary>The last that it said.</summary>
    public IEnumerable<string> LastWords()
    {
        lock (_logging)
            return File.Exists(_log) ? [.. File.ReadLines(_log).TakeLast(15)] : [];
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _channel.Dispose();
        Shim.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        if (_process is { HasExited: false } process)
            await Shell.TryAsync($"kill -{signal} {process.Id}");
    }

    private void Remember(string? line)
    {
        if (line is null)
            return;
        lock (_logging)
            File.AppendAllLines(_log, [line]);
    }
}
