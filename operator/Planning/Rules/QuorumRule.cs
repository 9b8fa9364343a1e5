using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Rules;

/// <summary>Without a quorum nothing is changed: what looks lost may be back in a moment, and what is left must not be harmed.</summary>
public static class QuorumRule
{
    /// <summary>Waits until the cluster can decide.</summary>
    public static Step? Decide(ClusterView view) => Missing(view) is { } why ? new Step.Wait(why, Pace.Soon) : null;

    /// <summary>What keeps the cluster from deciding; null if nothing does.</summary>
    public static string? Missing(ClusterView view)
    {
        if (view.Observation.Members is MemberList.Unknown unknown) return $"the members cannot be listed: {unknown.Reason}";
        if (view.Leader is null) return "there is no leader";
        return view.HasQuorum ? null : $"{view.HealthyVoters} of {view.VoterCount} voters are healthy, {ClusterView.QuorumOf(view.VoterCount)} are needed";
    }
}
