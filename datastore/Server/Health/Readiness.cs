using Raft.Consensus;
using Raft.Server.Membership;

namespace Raft.Server.Health;

/// <summary>Whether the member does its work, asked by probes, balancers and the operator.</summary>
internal sealed class Readiness(MemberHost host)
{
    /// <summary>Applied entries that a ready member may be behind what it knows to be committed.</summary>
    private const ulong LagMax = 5_000;

    /// <summary>The process need not be killed: it has not failed.</summary>
    public string? WhyNotLive() => host.Failure is { } failure ? failure.Message : null;

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
            return "no leader";
        }

        return status.Commit.Value - status.Applied.Value > LagMax ? "catching up" : null;
    }
}
