using Raft.Consensus;
using Raft.Protocol.Etcd;

namespace Raft.Node;

/// <summary>What may be seen of a node from outside: a copy, made at the end of a turn.</summary>
public sealed record NodeStatus
{
    /// <summary>The consensus core.</summary>
    public required ConsensusStatus Consensus { get; init; }

    /// <summary>Every member with names and URLs, as of the applied index.</summary>
    public required IReadOnlyList<Member> Members { get; init; }

    /// <summary>Counts since the process started.</summary>
    public required NodeCounters Counters { get; init; }

    /// <summary>Requests whose answer is awaited.</summary>
    public required int PendingProposals { get; init; }

    /// <summary>
    /// Whether this member has applied its own removal from the cluster: it has nothing more to do. (A member that was away
    /// then does not know; the others refuse its calls.)
    /// </summary>
    public required bool IsRemoved { get; init; }

    /// <summary>Whether this member is a learner.</summary>
    public bool IsLearner => Consensus.Configuration.Learners.Contains(Consensus.Id);

    /// <summary>Whether this member leads.</summary>
    public bool IsLeader => Consensus.Role == Role.Leader;
}

/// <summary>Counts since the process started.</summary>
public readonly record struct NodeCounters
{
    /// <summary>Changes of leader that this member saw.</summary>
    public long LeaderChanges { get; init; }

    /// <summary>Proposals that were given up or replaced.</summary>
    public long ProposalsFailed { get; init; }

    /// <summary>Requests, reads among them, that nobody answered in time.</summary>
    public long RequestsExpired { get; init; }

    /// <summary>Linearizable reads.</summary>
    public long Reads { get; init; }

    /// <summary>Times that the log was compacted.</summary>
    public long Compactions { get; init; }

    /// <summary>Snapshots that were sent to other members, whether they arrived or not.</summary>
    public long SnapshotsSent { get; init; }

    /// <summary>Snapshots from a leader that replaced this member's state.</summary>
    public long SnapshotsInstalled { get; init; }

    /// <summary>Batches that took longer than 100 ms to apply.</summary>
    public long SlowApplies { get; init; }

    /// <summary>Ticks that waited for a turn so long that the next one came: heartbeats left late.</summary>
    public long LateTicks { get; init; }
}
