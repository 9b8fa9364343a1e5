namespace Raft.Operator.Planning.Tests.Simulated;

/// <summary>What no step may do, judged by the truth at the moment of the look, which the planner never sees.</summary>
internal sealed class SafetyRules(World world)
{
    private HashSet<int> _working = [];
    private int _quorum;
    private bool _learner;

    /// <summary>Notes the truth of now: faults between the look and the step are nobody's fault.</summary>
    public void Look()
    {
        var raft = world.Raft;
        _working = [.. raft.Voters.Where(raft.IsUp).Select(member => member.Ordinal)];
        _quorum = raft.Quorum;
        _learner = raft.Members.Any(member => member.IsLearner);
    }

    public void Check(Plan plan)
    {
        var problem = plan.Step switch
        {
            Step.DeletePod pod => DeletePod(pod),
            Step.RemoveMember remove => Remove(remove),
            Step.AddLearner when _learner => "a second learner is added",
            Step.PromoteLearner promote => Promote(promote),
            Step.MoveLeader when _learner => "leadership moves in the middle of a membership change",
            Step.DeleteVolumeClaim claim => DeleteClaim(claim),
            Step.ScaleStatefulSet scale when world.Raft.Members.Any(member => member.Ordinal >= scale.Replicas) && scale.Replicas < world.Kubernetes.Replicas
                => "a member's pod is taken away",
            Step.InitializeMember { FormNewCluster: true } when world.Raft.Founded.Count > 0 && world.Cluster.Status.Bootstrapped == true
                => "a second cluster is to be founded",
            _ => null,
        };
        Assert.True(problem is null, $"{problem}: {plan.Rule}: {plan.Step}");
    }

    private string? DeletePod(Step.DeletePod step)
    {
        var ordinal = world.Names.PodOrdinal(step.Name)!.Value;
        if (world.Kubernetes.Pods.GetValueOrDefault(ordinal)?.Uid != step.Uid) return null;
        if (!_working.Contains(ordinal)) return null;
        var voters = world.Raft.Voters.Count();
        // Where there is no quorum to lose, a member that can do nothing may get a corrected template.
        if (_working.Count < _quorum) return null;
        if (_learner) return "a working pod is restarted in the middle of a membership change";
        if (voters > 2 && _working.Count - 1 < _quorum) return "the quorum is lost with this pod";
        if (voters > 1 && world.Raft.Members.First(member => member.Ordinal == ordinal).Id == world.Raft.LeaderId) return "the leader's pod is restarted";
        return null;
    }

    private string? Remove(Step.RemoveMember step)
    {
        var member = world.Raft.Members.FirstOrDefault(member => member.Id == step.MemberId);
        if (member is null or { IsLearner: true }) return null;
        if (_learner) return "a voter leaves while a learner is there";
        if (member.Id == world.Raft.LeaderId) return "the leader is removed";
        var left = world.Raft.Voters.Count() - 1;
        return _working.Count(ordinal => ordinal != member.Ordinal) < (left / 2) + 1 ? "those left are no quorum" : null;
    }

    private string? Promote(Step.PromoteLearner step)
    {
        var member = world.Raft.Members.First(member => member.Id == step.MemberId);
        if (!world.Raft.IsUp(member)) return "a learner that does not work gets a vote";
        var applied = world.Kubernetes.Pods[member.Ordinal].Claim!.Disk.Applied;
        return applied + Seat.LagMax + 1000 < world.Raft.Committed ? "a learner that lags gets a vote" : null;
    }

    private string? DeleteClaim(Step.DeleteVolumeClaim step)
    {
        var claim = world.Kubernetes.Claims.Values.FirstOrDefault(claim => claim.Uid == step.Uid);
        return claim?.Disk.Member is { } holder && world.Raft.Members.Any(member => member.Id == holder) ? "the data of a member is deleted" : null;
    }
}
