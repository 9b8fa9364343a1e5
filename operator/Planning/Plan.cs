using Raft.Operator.Api;
using Raft.Operator.Planning.Rules;

namespace Raft.Operator.Planning;

/// <summary>What the planner decided.</summary>
/// <param name="Rule">Name of the rule that decided.</param>
/// <param name="Step">The one thing to do next.</param>
/// <param name="Status">What to tell users, from the same look that the step comes from.</param>
public sealed record Plan(string Rule, Step Step, RaftClusterStatus Status)
{
    /// <summary>When to look again if nothing wakes us before.</summary>
    public TimeSpan RequeueAfter => Step switch
    {
        Step.Wait wait => wait.RequeueAfter,
        // Members do not wake us: their health is asked for regularly.
        Step.Nothing => Pace.Later,
        _ => TimeSpan.Zero,
    };
}
