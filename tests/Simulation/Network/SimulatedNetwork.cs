using Raft.Consensus;
using Raft.InMemory;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Simulation.Tests.Disks;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Network;

/// <summary>Links that lose, repeat, delay and reorder messages, and can be cut one way or both.</summary>
internal sealed class SimulatedNetwork(Simulator simulator, SeededRandom random, Swarm swarm)
{
    private const int CallTimeoutMs = 3_000;
    private const int LargeSnapshotMs = 5_000;
    private const int GivesUpMs = 500;

    private readonly HashSet<(MemberId From, MemberId To)> _cut = [];
    private readonly Dictionary<(MemberId From, MemberId To), (long At, long Order)> _lastArrival = [];
    private readonly Dictionary<(MemberId From, MemberId To), long> _cloggedUntil = [];
    private readonly Dictionary<MemberId, long> _cutOffUntil = [];
    private readonly List<OpenCall> _calls = [];
    private bool _isPerfect;
    private long _order;

    /// <summary>Messages that never arrived.</summary>
    public long Lost { get; private set; }

    /// <summary>Messages that arrived after one that was sent later on the same link.</summary>
    public long Reordered { get; private set; }

    /// <summary>Messages that arrived twice.</summary>
    public long Repeated { get; private set; }

    public void Send(Message message)
    {
        var copies = !_isPerfect && random.Chance(swarm.DuplicationChance) ? 2 : 1;
        Repeated += copies - 1;
        for (; copies > 0; copies--)
            Carry(message.From, message.To, message.Kind.ToString(), Describe(message), extraMs: 0, () => simulator.Up(message.To)?.Receive(message), () => { });
    }

    /// <summary>
    /// A snapshot travels on a stream of its own and takes longer, a large one so long that it may come when it is stale. Its sender
    /// may take it for lost and send another while the receiver still reads it.
    /// </summary>
    public void SendSnapshot(Message message, InMemoryOrderedStore content, Action<bool> completed)
    {
        var sender = simulator.Up(message.From)!;
        var incarnation = sender.Incarnation;
        var isTold = false;
        void Tell(bool delivered)
        {
            if (sender.Incarnation == incarnation && !isTold)
                completed(delivered);
            isTold = true;
        }

        var isGivenUp = !_isPerfect && random.Chance(swarm.GivenUpSnapshotChance);
        if (isGivenUp)
            simulator.At(random.Between(1, GivesUpMs), () => Tell(delivered: false));

        Carry(
            message.From,
            message.To,
            message.Kind.ToString(),
            Describe(message),
            extraMs: isGivenUp || (!_isPerfect && random.Below(4) == 0) ? random.Between(0, LargeSnapshotMs) : 2 * Delay,
            () =>
            {
                var receiver = simulator.Up(message.To);
                receiver?.Node!.ReceiveSnapshot(message, new SimulatedStore.Snapshot(content));
                Tell(receiver is not null);
            },
            () => Tell(delivered: false));
    }

    /// <summary>
    /// A call with an answer. If the way there is cut, the caller may learn that it surely did not arrive; in every other
    /// failure it cannot know.
    /// </summary>
    public Task<T> CallAsync<T>(MemberId from, MemberId to, Func<Node.Node, Task<T>> handle)
    {
        var answer = new TaskCompletionSource<T>();
        OpenCall call = null!;
        call = new OpenCall(to, simulator.Up(to)?.Incarnation ?? 0, Fail);
        _calls.Add(call);
        simulator.At(CallTimeoutMs, () => Fail(false));
        if (simulator.Up(to) is null || IsCut(from, to))
        {
            simulator.At(random.Between(1, 100), () => Fail(true));
            return answer.Task;
        }

        Carry(from, to, "Call", "", extraMs: 0, Arrive, () => { });
        return answer.Task;

        void Arrive()
        {
            if (simulator.Up(to) is not { } member)
                return;
            var incarnation = member.Incarnation;
            simulator.When(handle(member.Node!), handled =>
            {
                if (member.Incarnation == incarnation)
                    Carry(to, from, "Answer", "", extraMs: 0, () => Finish(handled), () => { });
            });
        }

        void Finish(Task<T> handled)
        {
            if (!_calls.Remove(call))
                return;
            if (handled.IsCompletedSuccessfully)
                answer.SetResult(handled.Result);
            else
                answer.SetException(AsSeenFromAfar(handled.Exception!.InnerException!));
        }

        void Fail(bool surelyNotDone)
        {
            if (_calls.Remove(call))
                answer.SetException(new ForwardingException(surelyNotDone, "the connection was lost"));
        }
    }

    /// <summary>
    /// A member is gone: who waits for its answer learns that the connection is lost, and if its machine still answers, the others
    /// learn that nothing listens there.
    /// </summary>
    public void Ends(MemberId member, int incarnation)
    {
        if (random.Below(2) == 0)
        {
            foreach (var other in simulator.Members.Where(other => other.Id != member).ToList())
                other.After(random.Between(1, 300), () => Refuse(other, member));
        }

        foreach (var call in _calls.Where(call => call.To == member && call.Incarnation == incarnation).ToList())
            simulator.At(random.Between(1, 100), () => call.Fail(false));
    }

    private void Refuse(SimulatedMember caller, MemberId member)
    {
        if (simulator.Up(member) is null && !IsCut(caller.Id, member))
            caller.Node?.ConnectionRefused(member);
    }

    /// <summary>
    /// Draws a new shape: whole, one member cut off (in one direction or both), or two halves. As often as not it hits a leader,
    /// whose clients still reach it.
    /// </summary>
    public void Reshape(IReadOnlyList<MemberId> members, IReadOnlyList<MemberId> leaders)
    {
        _cut.Clear();
        if (random.Chance(swarm.ClogChance))
            Clog(random.Pick(members), random.Pick(members));
        var shape = random.Below(5);
        var lone = leaders.Count > 0 && random.Below(2) == 0 ? random.Pick(leaders) : random.Pick(members);
        foreach (var from in members)
        {
            foreach (var to in members)
            {
                var isCut = shape switch
                {
                    1 => from == lone || to == lone,
                    2 => from == lone,
                    3 => to == lone,
                    4 => (from.Value % 2) != (to.Value % 2),
                    _ => false,
                };
                if (isCut && from != to)
                    _cut.Add((from, to));
            }
        }

        simulator.Trace.Fault(null, Name(shape, lone));
    }

    /// <summary>Nothing reaches a member, nor comes from it, for a while, whatever the shape of the network.</summary>
    public void CutOff(MemberId member, int milliseconds)
    {
        _cutOffUntil[member] = simulator.Now + milliseconds;
        simulator.Trace.Fault(null, $"network: {member} is cut off for {milliseconds} ms");
    }

    public void BecomePerfect()
    {
        _cloggedUntil.Clear();
        _isPerfect = true;
        _cut.Clear();
        _cutOffUntil.Clear();
    }

    private static string Describe(Message message) =>
        $"term {message.Term}, log {message.Log}, commit {message.Commit}"
        + (message.Entries.Count > 0 ? $", entries {message.Entries.Count}" : "")
        + (message.Context > 0 ? $", round {message.Context}" : "")
        + (message.Snapshot is { } snapshot ? $", snapshot {snapshot.Last}" : "")
        + (message.Reject ? ", rejected" : "");

    private static FormattableString Name(int shape, MemberId lone) => shape switch
    {
        1 => $"network: {lone} is cut off",
        2 => $"network: {lone} is heard by nobody",
        3 => $"network: {lone} hears nobody",
        4 => $"network: odd and even members are cut off from each other",
        _ => $"network: whole",
    };

    private bool IsCut(MemberId from, MemberId to) => _cut.Contains((from, to)) || (from != to && (IsCutOff(from) || IsCutOff(to)));

    private bool IsCutOff(MemberId member) => simulator.Now < _cutOffUntil.GetValueOrDefault(member);

    private int Delay => _isPerfect ? 2 : swarm.DelayMilliseconds;

    /// <summary>What is sent on a link from now on stands still for a while, and then arrives all the same.</summary>
    private void Clog(MemberId from, MemberId to)
    {
        var milliseconds = random.Between(200, 5_000);
        _cloggedUntil[(from, to)] = simulator.Now + milliseconds;
        simulator.Trace.Fault(null, $"network: clogged from {from} to {to} for {milliseconds} ms");
    }

    private void Carry(MemberId from, MemberId to, string kind, string detail, int extraMs, Action arrives, Action isLost)
    {
        var number = simulator.Trace.Sent(from, to, kind, detail);
        if (IsCut(from, to) || (!_isPerfect && random.Chance(swarm.LossChance)))
        {
            Lost++;
            simulator.Trace.Lost(number, from, to, kind, detail);
            simulator.At(1, isLost);
            return;
        }

        var link = (from, to);
        var order = _order++;
        var at = Math.Max(simulator.Now, _cloggedUntil.GetValueOrDefault(link)) + random.Between(1, Delay) + extraMs;
        var last = _lastArrival.GetValueOrDefault(link);
        if (!swarm.Reorders || _isPerfect)
            at = Math.Max(at, last.At);
        else if (at < last.At)
            Reordered++;
        if (at >= last.At)
            _lastArrival[link] = (at, order);
        simulator.At(at - simulator.Now, () =>
        {
            simulator.Trace.Delivered(number, from, to, kind, detail);
            arrives();
        });
    }

    /// <summary>What the wire leaves of an answer that is an error.</summary>
    private static Exception AsSeenFromAfar(Exception error) => error switch
    {
        RequestRefusedException refused when refused.Error == NodeError.NotLeader => new ForwardingException(refused.SurelyNotDone, refused.Message),
        _ => error,
    };

    private sealed record OpenCall(MemberId To, int Incarnation, Action<bool> Fail);
}
