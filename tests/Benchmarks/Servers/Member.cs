using System.Diagnostics;
using Google.Protobuf;
using Grpc.Net.Client;
using Raft.Protocol.Etcd;

namespace Raft.Benchmarks.Servers;

/// <summary>One process of a cluster, and a plain client of it for everything that is not measured.</summary>
internal sealed class Member(string name, string folder, int clientPort, int peerPort) : IDisposable
{
    private readonly GrpcChannel _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{clientPort}");
    private Process? _process;

    public string Name => name;

    public int ClientPort => clientPort;

    public string ClientUrl => $"http://127.0.0.1:{clientPort}";

    public string PeerUrl => $"http://127.0.0.1:{peerPort}";

    public string DataDirectory => Path.Combine(folder, name);

    private string LogFile => DataDirectory + ".log";

    /// <summary>The end of its log.</summary>
    public string LastWords => $"The end of {LogFile}:\n{string.Join('\n', File.ReadLines(LogFile).TakeLast(10))}";

    public void Start(string program, IEnumerable<string> arguments)
    {
        // The shell only points the output at a file, and then becomes the server.
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "exec \"$0\" \"$@\" >> \"$LOG_FILE\" 2>&1", program },
            WorkingDirectory = folder,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LOG_FILE"] = LogFile;
        // The ceiling shares the load generator's file of settings, but is to run as our server does.
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_gcConcurrent"] = "1";
        _process?.Dispose();
        _process = Process.Start(start)!;
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }
    }

    public Usage MeasureUsage() => Usage.Of(_process!);

    public async Task PutAsync(TimeSpan patience) => await new KV.KVClient(_channel).PutAsync(
        new PutRequest { Key = ByteString.CopyFromUtf8("probe"), Value = ByteString.CopyFromUtf8("probe") },
        deadline: DateTime.UtcNow + patience);

    public async Task<StatusResponse> StatusAsync() =>
        await new Maintenance.MaintenanceClient(_channel).StatusAsync(new(), deadline: DateTime.UtcNow.AddSeconds(2));

    /// <summary>Fails with the member's last words if it has ended by itself.</summary>
    public void ThrowIfEnded()
    {
        if (_process is not { HasExited: false })
        {
            throw new InvalidOperationException($"Member {name} has ended. {LastWords}");
        }
    }

    public void Dispose()
    {
        Kill();
        _process?.Dispose();
        _channel.Dispose();
    }
}
