using Raft.Consensus;

namespace Raft.Simulation.Tests;

/// <summary>Links that lose, repeat, delay and reorder messages, and can be cut one way or both.</summary>
internal sealed class SimulatedNetwork(Simulator simulator, SeededRandom random, Swarm swarm)
{
    private readonly HashSet<(MemberId From, MemberId To)> _cut = [];
    private readonly Dictionary<(MemberId From, MemberId To), long> _lastArrival = [];
    private bool _isPerfect;

    public long Lost { get; private set; }

    public void Send(Message message)
    {
        var copies = !_isPerfect && random.Chance(swarm.DuplicationChance) ? 2 : 1;
        for (; copies > 0; copies--)
        {
            if (_cut.Contains((message.From, message.To)) || (!_isPerfect && random.Chance(swarm.LossChance)))
            {
                Lost++;
                simulator.Trace.Write(simulator.Now, $"lost {Describe(message)}");
                simulator.At(1, () => simulator.Lost(message));
            }
            else
            {
                simulator.At(ArrivalOf(message) - simulator.Now, () => simulator.Deliver(message));
            }
        }
    }

    /// <summary>Draws a new shape: whole, one member cut off (in one direction or both), or two halves.</summary>
    public void Reshape(IReadOnlyList<MemberId> members)
    {
        _cut.Clear();
        var shape = random.Below(5);
        var lone = random.Pick(members);
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

        simulator.Trace.Write(simulator.Now, $"network shape {shape} around {lone}");
    }

    public void BecomePerfect()
    {
        _isPerfect = true;
        _cut.Clear();
    }

    public static string Describe(Message message) =>
        $"{message.Kind} {message.From}>{message.To} t{message.Term} log {message.Log} c{message.Commit} n{message.Entries.Count} "
        + $"x{message.Context}{(message.Reject ? " no" : "")}";

    private long ArrivalOf(Message message)
    {
        var most = _isPerfect ? 2 : swarm.DelayMilliseconds;
        var arrival = simulator.Now + random.Between(1, most) + (message.Kind == MessageKind.SnapshotRequest ? 2 * most : 0);
        if (swarm.Reorders && !_isPerfect)
            return arrival;
        var link = (message.From, message.To);
        arrival = Math.Max(arrival, _lastArrival.GetValueOrDefault(link));
        _lastArrival[link] = arrival;
        return arrival;
    }
}
