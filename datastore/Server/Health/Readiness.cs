using Raft.Consensus;
using Raft.Server.Membership;

namespace Raft.Server.Health;

/// <summary>Whether the member does its work, asked by probes, balancers and the operator.</summary>
internal sealed class Readiness(MemberHost host)
{
    /// <summary>Applied entries that a ready member may be behind what it knows to be committed.</summary>
    private const ulong LagMax = 5_000;

    private const string NoLeader = "RAFT NO LEADER";

    /// <summary>The process need not be killed: it has not failed.</summary>
    public string? WhyNotLive() => host.Failure is { } failure ? failure.Message : null;

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

    /// <summary>Requests are welcome here.</summary>
    public string? WhyNotReady()
    {
        if (WhyNotLive() is { } failure)
        {
            return failure;
        }

        if (host.Running is not { } member)
        {
            return "waiting for raft.v1.Bootstrap/Initialize";
        }

        var status = member.Node.Status.Consensus;
        if (status.Leader == MemberId.None)
        {
            return NoLeader;
        }

        return status.Commit.Value - status.Applied.Value > LagMax ? "catching up" : null;
    }
}
