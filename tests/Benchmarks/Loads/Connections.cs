using System.Diagnostics;
using Raft.Benchmarks.Http2;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Loads;

/// <summary>
/// The HTTP/2 connections that all clients of a load share, some to each member, and the one thread that does everything for them:
/// it takes what has arrived on a connection, lets the clients that are answered call anew, and sends all that at once. So the load
/// generator leaves to the servers as much as it can of the machine that they share, and measures them rather than itself.
/// </summary>
internal sealed class Connections : IDisposable
{
    public const int PerMember = 4;

    private const int BufferBytes = 256 * 1024;

    // So often it is looked whether all is over, when nothing else happens.
    private const int LookMs = 50;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Connection[] _connections;
    private readonly PriorityQueue<Call, long> _paused = new();
    private readonly Dictionary<Call, Connection> _connectionOf = [];

    private Connections(IReadOnlyList<Member> members)
    {
        Members = members.Count;
        var all = Enumerable.Repeat(members, PerMember).SelectMany(static each => each);
        _connections = [.. all.Select(static member => new Connection(member.ClientPort))];
    }

    public int Members { get; }

    /// <summary>The leader's connection comes first, then one to each other member, and so on.</summary>
    public static async Task<Connections> OpenAsync(LocalCluster cluster, Target target, CancellationToken stop)
    {
        var leader = await cluster.LeaderAsync(stop);
        return new(target == Target.Leader ? [leader] : [leader, .. cluster.Members.Where(member => member != leader)]);
    }

    /// <summary>Gives the client with that number, from 0, its connection, for good.</summary>
    public void Add(int client, Call call)
    {
        var connection = _connections[client % _connections.Length];
        connection.Add(call);
        _connectionOf.Add(call, connection);
    }

    /// <summary>Only on the thread of <see cref="RunAsync"/>.</summary>
    public void Start(Call call) => _connectionOf[call].Start(call);

    /// <summary>The same after a pause, as befits a failure.</summary>
    public void StartAfter(TimeSpan pause, Call call) =>
        _paused.Enqueue(call, Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency));

    /// <summary>Starts the calls, and serves them on a thread of its own until all is over.</summary>
    public Task RunAsync(IEnumerable<Call> calls, Func<bool> isOver, CancellationToken stop) => Task.Factory.StartNew(
        () => Run(calls, isOver, stop), stop, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public void Dispose()
    {
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }

    private unsafe void Run(IEnumerable<Call> calls, Func<bool> isOver, CancellationToken stop)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
        var sockets = stackalloc Posix.Watched[_connections.Length];
        foreach (var call in calls)
        {
            Start(call);
        }

        for (var lastReady = Stopwatch.GetTimestamp(); !isOver();)
        {
            for (var number = 0; number < _connections.Length; number++)
            {
                var connection = _connections[number];
                connection.Flush();
                var wanted = connection.HasUnsent ? Posix.Readable | Posix.Writable : Posix.Readable;
                sockets[number] = new() { Socket = connection.Descriptor, For = (short)wanted };
            }

            stop.ThrowIfCancellationRequested();
            if (Posix.Poll(sockets, (nuint)_connections.Length, PauseMs()) > 0)
            {
                lastReady = Stopwatch.GetTimestamp();
                Serve(sockets, buffer);
            }
            else if (_paused.Count == 0 && Stopwatch.GetElapsedTime(lastReady) > Patience)
            {
                throw new TimeoutException($"No answer within {Patience.TotalSeconds:0} s.");
            }

            while (_paused.TryPeek(out var call, out var due) && due <= Stopwatch.GetTimestamp())
            {
                _paused.Dequeue();
                Start(call);
            }
        }
    }

    private unsafe void Serve(Posix.Watched* sockets, byte[] buffer)
    {
        for (var number = 0; number < _connections.Length; number++)
        {
            if (sockets[number].Found != 0)
            {
                _connections[number].Receive(buffer);
                _connections[number].Flush();
            }
        }
    }

    private int PauseMs() => _paused.TryPeek(out _, out var due)
        ? (int)Math.Clamp(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due).TotalMilliseconds + 1, 0, LookMs)
        : LookMs;
}
