using Raft.KeyValue;
using Raft.Node;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Clients;

/// <summary>How a client reaches the cluster: one call at a time, to whichever member it is at, be it the leader or not.</summary>
/// <param name="simulator">The run.</param>
/// <param name="random">Its choices.</param>
/// <param name="isLoyal">Stays with a leader for as long as that one says that it leads, and answers.</param>
internal sealed class ClientConnection(Simulator simulator, SeededRandom random, bool isLoyal)
{
    private const int TimeoutMs = 9_000;

    private int _call;

    /// <summary>The member that it is at; null: none.</summary>
    public SimulatedMember? Member { get; private set; }

    public bool IsLoyal => isLoyal;

    /// <summary>The members that a client knows of: all that ever were, until it is told who they are now.</summary>
    public static List<SimulatedMember> Known(Simulator simulator) => !simulator.IsHealing
        ? [.. simulator.Members]
        : [.. simulator.Members.Where(member => simulator.Administrator.Newest.Voters.Contains(member.Id))];

    /// <summary>Goes to another member next time.</summary>
    public void Leave() => Member = null;

    /// <summary>One call to one member: answered, or failed in one of the ways in which calls fail.</summary>
    public void Call(Func<Node.Node, Task<CommandResult>> send, Action<CommandResult> answered, Action<bool, string> fails)
    {
        var call = ++_call;
        void Once(Action goOn)
        {
            if (call != _call)
                return;
            _call++;
            goOn();
        }

        Member = Choose();
        if (Member.Node is not { } node)
        {
            // Nobody was there to hear it.
            Once(() => fails(true, "refused connection"));
            return;
        }

        var (member, incarnation) = (Member, Member.Incarnation);
        simulator.At(TimeoutMs, () => Once(() => fails(false, "timeout")));
        simulator.When(send(node), sent => Once(() =>
        {
            if (member.Incarnation != incarnation)
                fails(false, "lost connection");
            else if (sent.Exception?.InnerException is RequestRefusedException refusal)
                fails(refusal.SurelyNotDone, refusal.Message);
            else if (sent.Exception?.InnerException is CommandRefusedException refused)
                answered(new CommandResult(null, refused.Error));
            else
                answered(sent.Result);
        }));
    }

    private SimulatedMember Choose()
    {
        var leaders = simulator.Leaders.ToList(); // whoever says so, be it true or not
        if (isLoyal && !simulator.IsHealing && leaders.Count > 0)
            return Member is { IsUp: true, IsLeader: true } ? Member : random.Pick(leaders);
        if (Member is not { IsUp: true } || random.Below(20) == 0)
            return random.Pick(Known(simulator));
        return random.Chance(simulator.Swarm.AsksLeaderChance) && leaders.Count > 0 ? random.Pick(leaders) : Member;
    }
}
