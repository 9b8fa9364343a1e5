using System.Collections.Immutable;

namespace Raft.Operator.Planning.Observation;

/// <summary>What a pod answered when it was asked who it is.</summary>
public abstract record MemberProbe
{
    private MemberProbe() { }

    /// <summary>It did not answer: it may be down, cut off, or busy. Nothing follows from that about its data.</summary>
    public sealed record Unreachable(string Reason) : MemberProbe;

    /// <summary>Its data directory is empty; it waits to be told who it is.</summary>
    public sealed record Awaiting(string SoftwareVersion = "") : MemberProbe;

    /// <summary>It has an identity on its disk. <paramref name="Status"/> is null if it could not say more.</summary>
    public sealed record Initialized(ClusterId ClusterId, MemberId MemberId, string SoftwareVersion = "", MemberReport? Status = null)
        : MemberProbe;
}

/// <summary>What a member says of itself (etcd's Maintenance.Status).</summary>
/// <param name="Leader">The leader it follows; null if it knows none.</param>
/// <param name="Term">Its Raft term.</param>
/// <param name="CommitIndex">Last log index that it knows to be committed.</param>
/// <param name="AppliedIndex">Last log index that it applied to its store.</param>
/// <param name="IsLearner">Whether it takes itself for a learner.</param>
/// <param name="Errors">What it complains of, alarms for example.</param>
public sealed record MemberReport(
    MemberId? Leader, ulong Term, ulong CommitIndex, ulong AppliedIndex, bool IsLearner = false, ImmutableArray<string> Errors = default)
{
    private const string Whose = "memberID:";

    /// <summary>
    /// Whether a member's data was found to be wrong (etcd's CORRUPT alarm). Every member tells of the alarms of all; one that names
    /// nobody was raised because nobody could say who is wrong, and is held against each.
    /// </summary>
    public bool IsCorrupt(MemberId member) => !Errors.IsDefaultOrEmpty && Errors.Any(error =>
        error.Contains("CORRUPT", StringComparison.Ordinal)
        && (!error.Contains(Whose, StringComparison.Ordinal) || error.Contains($"{Whose}{member.Value} ", StringComparison.Ordinal)));
}

/// <summary>A member as the cluster lists it (etcd's Member).</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Name">Its name, which is its pod's; empty until it has started for the first time.</param>
/// <param name="PeerUrls">Where others reach it; known from the moment it was added.</param>
/// <param name="IsLearner">Whether it has no vote yet.</param>
public sealed record MemberRecord(MemberId Id, string Name, ImmutableArray<string> PeerUrls, bool IsLearner)
{
    /// <summary>Whether the member has ever taken part.</summary>
    public bool Started => Name.Length > 0;
}

/// <summary>Who is in the cluster.</summary>
public abstract record MemberList
{
    private MemberList() { }

    /// <summary>Nobody could say with a quorum's authority.</summary>
    public sealed record Unknown(string Reason) : MemberList;

    /// <summary>What a linearizable read answered: true at some moment during the look.</summary>
    public sealed record Known(ImmutableArray<MemberRecord> Records) : MemberList;
}
