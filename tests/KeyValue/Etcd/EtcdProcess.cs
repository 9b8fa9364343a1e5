using System.Diagnostics;
using Grpc.Net.Client;

namespace Raft.KeyValue.Tests.Etcd;

/// <summary>A private etcd of one member, in a directory and on ports of its own, for as long as a test class runs.</summary>
public sealed class EtcdProcess : IAsyncLifetime
{
    private const int LinesShown = 20;

    private static readonly TimeSpan StartupMax = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("raft-etcd-").FullName;
    private readonly List<string> _output = [];
    private Process? _process;
    private InvalidOperationException? _death;

    public GrpcChannel Channel { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var (client, peer) = ($"http://127.0.0.1:{FreePort.Take()}", $"http://127.0.0.1:{FreePort.Take()}");
        var start = new ProcessStartInfo("etcd")
        {
            ArgumentList =
            {
                "--name=single", $"--data-dir={_directory}", "--log-level=warn", "--logger=zap",
                $"--listen-client-urls={client}", $"--advertise-client-urls={client}", $"--listen-peer-urls={peer}",
                $"--initial-advertise-peer-urls={peer}", $"--initial-cluster=single={peer}",
            },
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new InvalidOperationException("These tests compare with a real etcd: install Debian's package etcd-server.", exception);
        }
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        Channel = GrpcChannel.ForAddress(client);
        await WaitUntilHealthy(client);
    }

    public async ValueTask DisposeAsync()
    {
        Channel?.Dispose();
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A dead etcd is no answer: fails with its last words, and with the request that was the first to find it dead.</summary>
    public void MustLive(object request)
    {
        if (!_process!.WaitForExit(TimeSpan.FromMilliseconds(200))) return;
        _death ??= Failure($"etcd ended with code {_process.ExitCode} on {request}");
        throw new InvalidOperationException(_death.Message, _death);
    }

    private async Task WaitUntilHealthy(string url)
    {
        using var http = new HttpClient();
        using var patience = new CancellationTokenSource(StartupMax);
        while (true)
        {
            if (_process!.HasExited) throw Failure($"etcd ended with code {_process.ExitCode}");
            try
            {
                if ((await http.GetAsync(new Uri($"{url}/health"), patience.Token)).IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            catch (OperationCanceledException)
            {
                throw Failure($"etcd was not healthy within {StartupMax}");
            }
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_output) _output.Add(line);
    }

    private InvalidOperationException Failure(string what)
    {
        lock (_output)
        {
            var panic = _output.FindIndex(line => line.StartsWith("panic", StringComparison.Ordinal));
            var shown = _output.Skip(panic >= 0 ? panic : Math.Max(0, _output.Count - LinesShown)).Take(LinesShown);
            return new InvalidOperationException($"{what}:\n{string.Join('\n', shown)}");
        }
    }
}
