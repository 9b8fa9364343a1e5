using System.Diagnostics;
using Raft.Linearizability;
using Member = Raft.Robustness.Tests.Testbed.Member;

namespace Raft.Robustness.Tests.Workload;

/// <summary>
/// A client that works all the time, and records everything. There is a loyal one for each place, which asks its member also when that
/// is cut off, and would notice if it answered from what it alone knows. The others go where they are served. Half of all write in a
/// session and send again: a write of theirs is one operation, from its first attempt to its last answer.
/// </summary>
internal sealed class RecordingClient : IDisposable
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(150);

    private readonly int _number;
    private readonly History _history;
    private readonly Stopwatch _clock;
    private readonly Random _random;
    private readonly RequestMix _mix;
    private readonly Connections _connections;
    private readonly IAsking _asking;
    private long _lastAnswer;

    /// <summary>A client that does nothing yet.</summary>
    /// <param name="number">Who it is in the history, and where it begins to ask.</param>
    /// <param name="seed">What it asks.</param>
    /// <param name="members">Whom it can ask.</param>
    /// <param name="history">Where it records.</param>
    /// <param name="clock">The clock of the history, in microseconds.</param>
    /// <param name="reportBroken">Told of a retry that was answered differently.</param>
    public RecordingClient(int number, int seed, IReadOnlyList<Member> members, History history, Stopwatch clock, Action<string> reportBroken)
    {
        _number = number;
        _history = history;
        _clock = clock;
        _random = new Random(seed);
        _mix = new RequestMix(number, _random);
        LoyalTo = number < members.Count ? members[number] : null;
        _connections = new Connections(members, number, LoyalTo is not null);
        _asking = LoyalTo is not null || number % members.Count == 0 ? new AskingOnce(_connections) : new AskingInSession(_connections, _random, reportBroken);
    }

    /// <summary>The only one that it asks; null if it asks all.</summary>
    public Member? LoyalTo { get; }

    /// <summary>When a request that had to be up to date was answered last, by the clock of the history.</summary>
    public long LastAnswer => Volatile.Read(ref _lastAnswer);

    /// <summary>Works until it is cancelled, and then ends what it is at.</summary>
    public async Task WorkAsync(Func<string> generation, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var request = _mix.Next(generation());
            var operation = _history.Invoke(_number, request, Now());
            var outcome = await _asking.AskAsync(request, stop);
            if (outcome.Response is { } response)
            {
                _history.Return(operation, response, Now());
                _mix.Learn(request, response);
                if (!request.IsSerializable)
                    Volatile.Write(ref _lastAnswer, Now());
            }
            else
            {
                if (outcome.IsWithoutEffect)
                    _history.Forget(operation);
                await Task.Delay(PauseAfterFailure, CancellationToken.None);
            }
            await Task.Delay(_random.Next(30), CancellationToken.None);
        }
        if (_asking is AskingInSession session)
            await session.CloseAsync();
    }

    public void Dispose() => _connections.Dispose();

    private long Now() => _clock.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond;
}
