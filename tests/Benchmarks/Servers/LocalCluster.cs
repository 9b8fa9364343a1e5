using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;

namespace Raft.Benchmarks.Servers;

/// <summary>Three members on loopback, with their data in one new folder.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly DirectoryInfo _folder;

    public LocalCluster(ServerKind kind, DirectoryInfo data)
    {
        Kind = kind;
        _folder = data.CreateSubdirectory(kind.Name);
        _folder.Delete(recursive: true);
        _folder.Create();
        Members = [.. new[] { "a", "b", "c" }.Select(name => new Member(name, _folder.FullName, FreePort(), FreePort()))];
    }

    public ServerKind Kind { get; }

    public IReadOnlyList<Member> Members { get; }

    public void StartAll()
    {
        foreach (var member in Members)
        {
            Start(member);
        }
    }

    public void Start(Member member) => member.Start(Kind.Program, Kind.Arguments(member, Members));

    /// <summary>Waits until any member acknowledges a write.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> UntilWritableAsync(CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var first = await Task.WhenAny(Members.Select(member => UntilWritableAsync(member, stop)));
        await first;
        return Stopwatch.GetElapsedTime(started);
    }

    public async Task UntilWritableAsync(Member member, CancellationToken stop)
    {
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Patience;)
        {
            try
            {
                await member.PutAsync(TimeSpan.FromSeconds(1));
                return;
            }
            catch (RpcException)
            {
                member.ThrowIfEnded();
                await Task.Delay(Pause, stop);
            }
        }

        throw new TimeoutException(
            $"Member {member.Name} of {Kind.Name} took no write within {Patience.TotalSeconds:0} s. {member.LastWords}");
    }

    /// <summary>The member that leads, once all agree; of the ceiling, which has none, the first.</summary>
    public async Task<Member> LeaderAsync(CancellationToken stop)
    {
        if (!Kind.IsDurable)
        {
            return Members[0];
        }

        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Patience; await Task.Delay(Pause, stop))
        {
            try
            {
                var answers = await Task.WhenAll(Members.Select(member => member.StatusAsync()));
                if (answers.All(answer => answer.Leader != 0 && answer.Leader == answers[0].Leader))
                {
                    return Members[Array.FindIndex(answers, answer => answer.Header.MemberId == answer.Leader)];
                }
            }
            catch (RpcException)
            {
                // Not yet.
            }
        }

        throw new TimeoutException($"The members of {Kind.Name} did not agree on a leader within {Patience.TotalSeconds:0} s.");
    }

    public ValueTask DisposeAsync()
    {
        foreach (var member in Members)
        {
            member.Dispose();
        }

        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
