namespace Raft.Consensus;

/// <summary>The part a member plays in its term (Raft paper, figure 4; PreCandidate: thesis, section 9.6).</summary>
public enum Role
{
    /// <summary>Follows a leader, or waits for one. Learners stay here.</summary>
    Follower,

    /// <summary>Asks whether it could win, without disturbing anyone's term.</summary>
    PreCandidate,

    /// <summary>Asks for votes.</summary>
    Candidate,

    /// <summary>Leads its term.</summary>
    Leader,
}
