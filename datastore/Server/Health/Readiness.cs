using Raft.Consensus;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Server.Membership;

namespace Raft.Server.Health;

/// <summary>Whether the member does its work, asked by probes, balancers and the operator.</summary>
internal sealed class Readiness(MemberHost host)
{
    /// <summary>Applied entries that a ready member may be behind what it knows to be committed.</summary>
    private const ulong LagMax = 5_000;

    private const string NoLeader = "RAFT NO LEADER";

    private const string AwaitingIdentity = "waiting for raft.v1.Bootstrap/Initialize";

    /// <summary>
    /// Whether the process is to be killed. A member that waits for its identity, has no leader, or an alarm, would be no better for it.
    /// </summary>
    public IReadOnlyList<HealthCheck> OfLiveness => [new("serializable_read", _ => new(WhyNotRead(isIdentityAwaited: true)))];

    /// <summary>Whether requests are welcome here.</summary>
    public IReadOnlyList<HealthCheck> OfReadiness =>
    [
        new("data_corruption", _ => new(IsCorrupt() ? "alarm activated: CORRUPT" : null)),
        new("serializable_read", _ => new(WhyNotRead(isIdentityAwaited: false))),
        new("linearizable_read", WhyNotReadLinearizablyAsync),
    ];

    /// <summary>
    /// What takes a member out of the service: for a pod's probe. It asks nobody, so that a long command, or more load than the cluster
    /// can take, does not make all members unready at once; nor does an alarm, which is of the whole cluster.
    /// </summary>
    public HealthCheck FollowsLeader => new("follows_leader", _ => new(WhyNotReady()));

    /// <summary>What etcd calls healthy: no alarm, and a leader.</summary>
    /// <param name="excluded">Names of alarms that do not count.</param>
    /// <param name="serializable">Without asking for more than the member itself: whether there is a leader does not count.</param>
    public string? WhyNotHealthy(IReadOnlyCollection<string> excluded, bool serializable)
    {
        if (host.Running is { } member)
        {
            using var view = member.Node.Store.OpenView();
            var alarms = view.Alarms().Select(static alarm => alarm.Alarm.ToString().ToUpperInvariant()).Except(excluded);
            if (alarms.FirstOrDefault() is { } alarm)
            {
                return $"ALARM {alarm}";
            }
        }

        return WhyNotReady() is { } reason && !(serializable && reason == NoLeader) ? reason : null;
    }

    /// <summary>Requests are welcome here, as far as the member knows without asking others.</summary>
    public string? WhyNotReady()
    {
        if (host.Failure is { } failure)
        {
            return failure.Message;
        }

        if (host.Running is not { } member)
        {
            return AwaitingIdentity;
        }

        var status = member.Node.Status.Consensus;
        if (status.Leader == MemberId.None)
        {
            return NoLeader;
        }

        return status.Commit.Value - status.Applied.Value > LagMax ? "catching up" : null;
    }

    private bool IsCorrupt()
    {
        using var view = host.Running?.Node.Store.OpenView();
        return view?.Alarms(AlarmType.Corrupt).Count > 0;
    }

    private string? WhyNotRead(bool isIdentityAwaited)
    {
        if (host.Failure is { } failure)
        {
            return failure.Message;
        }

        if (host.Running is not { } member)
        {
            return isIdentityAwaited ? null : AwaitingIdentity;
        }

        using var view = member.Node.Store.OpenView();
        _ = view.Alarms();
        return null;
    }

    /// <summary>
    /// The leader confirms that it leads, and this member has applied what was committed by then. A learner cannot have that, and is
    /// promoted when it is ready: for it what it knows by itself is enough.
    /// </summary>
    private async ValueTask<string?> WhyNotReadLinearizablyAsync(CancellationToken cancellation)
    {
        if (host.Running is not { } member)
        {
            return AwaitingIdentity;
        }

        if (member.Node.Status.Consensus.Leader == MemberId.None)
        {
            return NodeError.NoLeader.Message; // without waiting whether there will be one
        }

        try
        {
            await member.Node.ReadBarrierAsync().WaitAsync(cancellation);
            return null;
        }
        catch (RequestRefusedException refusal)
        {
            return refusal.Error == NodeError.NotForLearner ? WhyNotReady() : refusal.Error.Message;
        }
    }
}
