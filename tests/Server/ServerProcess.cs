using System.Diagnostics;
using System.Text;

namespace Raft.Server.Tests;

/// <summary>One member as a real process of its own.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    /// <summary>The everyday build, or what RAFT_SERVER names: the program that goes into the image, say.</summary>
    private static readonly string Program =
        Environment.GetEnvironmentVariable("RAFT_SERVER") ?? Path.Combine(AppContext.BaseDirectory, "Raft.Server");

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private ServerProcess(IEnumerable<string> arguments, long? heapBytesMax)
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (heapBytesMax is { } most)
        {
            start.Environment["DOTNET_GCHeapHardLimit"] = $"0x{most:x}";
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Remember(line.Data);
        _process.ErrorDataReceived += (_, line) => Remember(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>All that it has written so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public bool HasExited => _process.HasExited;

    public static ServerProcess Start(params IEnumerable<string> arguments) => new(arguments, heapBytesMax: null);

    /// <summary>As in a container: the runtime takes three quarters of its memory for the heap.</summary>
    public static ServerProcess StartWithin(long heapBytesMax, IEnumerable<string> arguments) => new(arguments, heapBytesMax);

    /// <summary>Runs a server that is expected to refuse, and gives its exit code and words.</summary>
    public static async Task<(int ExitCode, string Output)> RunToEndAsync(params string[] arguments)
    {
        await using var server = Start(arguments);
        return (await server.WaitForExitAsync(), server.Output);
    }

    public async Task<int> WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await WaitForExitAsync();
    }

    /// <summary>SIGTERM.</summary>
    public async Task<int> TerminateAsync()
    {
        await SignalAsync("TERM");
        return await WaitForExitAsync();
    }

    /// <summary>Stands still until it is resumed.</summary>
    public Task PauseAsync() => SignalAsync("STOP");

    public Task ResumeAsync() => SignalAsync("CONT");

    /// <summary>The most memory that it has had so far.</summary>
    public long PeakResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private void Remember(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
