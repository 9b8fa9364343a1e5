using System.Diagnostics;

namespace Raft.Differential.Tests.Servers;

/// <summary>One of the two servers: a process with a data directory in memory, where there is one, and its last words.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const int LinesKept = 60;
    private const string MemoryFolder = "/dev/shm";

    private static readonly TimeSpan StartupMax = TimeSpan.FromMinutes(10);

    private readonly string _folder;
    private readonly Queue<string> _output = [];
    private readonly Process _process;

    private ServerProcess(string program, string clientUrl, Func<string, string[]> arguments)
    {
        var parent = Directory.Exists(MemoryFolder) ? MemoryFolder : Path.GetTempPath();
        _folder = Directory.CreateDirectory(Path.Combine(parent, $"raft-differential-{Guid.NewGuid():N}")).FullName;
        ClientUrl = clientUrl;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments(_folder)) start.ArgumentList.Add(argument);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string ClientUrl { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>Our own server, one member, with the defaults of its options but a cheap hash of passwords.</summary>
    public static Task<ServerProcess> StartOursAsync(params string[] further)
    {
        var (client, peer, metrics) = (Url(), Url(), Url());
        return StartAsync(Path.Combine(AppContext.BaseDirectory, "Raft.Server"), client, metrics + "/readyz", folder =>
        [
            "--name=single", $"--data-dir={folder}/data", $"--listen-client-urls={client}", $"--listen-peer-urls={peer}",
            $"--initial-advertise-peer-urls={peer}", $"--listen-metrics-urls={metrics}", $"--initial-cluster=single={peer}",
            "--log-level=warn", "--bcrypt-cost=4", .. further,
        ]);
    }

    /// <summary>The etcd that <c>tests/etcd.sh</c> has fetched, which need not sync: nobody will cut its power.</summary>
    /// <exception cref="InvalidOperationException">It is not there, or did not start.</exception>
    public static Task<ServerProcess> StartEtcdAsync(params string[] further)
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } given
            ? given
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var program = Path.Combine(cache, "raft", "etcd-3.5", "etcd");
        if (!File.Exists(program)) throw new InvalidOperationException($"There is no {program}: run tests/etcd.sh.");
        var (client, peer) = (Url(), Url());
        return StartAsync(program, client, client + "/health", folder =>
        [
            "--name=single", $"--data-dir={folder}/data", $"--listen-client-urls={client}", $"--advertise-client-urls={client}",
            $"--listen-peer-urls={peer}", $"--initial-advertise-peer-urls={peer}", $"--initial-cluster=single={peer}",
            "--log-level=warn", "--unsafe-no-fsync", "--bcrypt-cost=4", .. further,
        ]);
    }

    /// <summary>What it said last: the panic, if there was one.</summary>
    public string LastWords()
    {
        lock (_output) return string.Join('\n', _output);
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Ctrl-C and SIGTERM leave no server behind.</summary>
    private void KillAtExit(object? sender, EventArgs exit)
    {
        if (!_process.HasExited) _process.Kill();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Url() => $"http://127.0.0.1:{Server.Tests.FreePort.Take()}";

    private static async Task<ServerProcess> StartAsync(string program, string clientUrl, string healthUrl, Func<string, string[]> arguments)
    {
        var server = new ServerProcess(program, clientUrl, arguments);
        try
        {
            await server.UntilHealthyAsync(healthUrl);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async Task UntilHealthyAsync(string url)
    {
        using var http = new HttpClient();
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < StartupMax)
        {
            if (HasExited) throw new InvalidOperationException($"{_process.StartInfo.FileName} ended at its start:\n{LastWords()}");
            try
            {
                if ((await http.GetAsync(new Uri(url))).IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await pause.WaitForNextTickAsync();
        }

        throw new InvalidOperationException($"{_process.StartInfo.FileName} was not healthy within {StartupMax}:\n{LastWords()}");
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_output)
        {
            // A Go panic says why first and then much else: its first lines are what counts.
            if (_output.Count >= LinesKept && _output.Any(kept => kept.StartsWith("panic", StringComparison.Ordinal))) return;
            _output.Enqueue(line);
            while (_output.Count > LinesKept) _output.Dequeue();
        }
    }
}
