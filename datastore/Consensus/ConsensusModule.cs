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

/// <summary>
/// The consensus module of one member (Raft paper, figure 1) as a pure state machine: ticks, messages and proposals go in,
/// <see cref="Output"/> comes out. No I/O, no clock, no threads: the caller brings time, disk and network. Not thread-safe.
/// </summary>
public sealed class ConsensusModule
{
    /// <summary>Starts from what was durable: as a follower of the recovered term.</summary>
    public ConsensusModule(ConsensusOptions options, RecoveredState recovered) => throw new NotImplementedException();

    /// <summary>This member.</summary>
    public MemberId Id => throw new NotImplementedException();

    /// <summary>What others may see of the state; a copy that stays as it is.</summary>
    public ConsensusStatus Status => throw new NotImplementedException();

    /// <summary>Whether <see cref="TakeOutput"/> would give anything to do.</summary>
    public bool HasOutput => throw new NotImplementedException();

    /// <summary>One tick of the logical clock passed.</summary>
    public void Tick() => throw new NotImplementedException();

    /// <summary>A message arrived.</summary>
    public void Receive(Message message) => throw new NotImplementedException();

    /// <summary>Appends a command to the log if this member leads; says so if it does not.</summary>
    public ProposalResult Propose(ReadOnlyMemory<byte> command) => throw new NotImplementedException();

    /// <summary>Appends a change of members. Refused while another is not yet applied, or when it makes no sense.</summary>
    public ProposalResult ProposeChange(ConfigurationChange change) => throw new NotImplementedException();

    /// <summary>Asks for a linearizable read; the answer comes in <see cref="Output.ReleasedReads"/> or DroppedReads.</summary>
    /// <returns>False if this member does not lead: nothing will come.</returns>
    public bool RequestRead(ulong context) => throw new NotImplementedException();

    /// <summary>Hands leadership to another voter (Raft thesis, section 3.10).</summary>
    public TransferResult TransferLeadership(MemberId target) => throw new NotImplementedException();

    /// <summary>Campaigns now instead of waiting for the election timeout: for a new one-member cluster, and for tests.</summary>
    public void Campaign() => throw new NotImplementedException();

    /// <summary>Gives what there is to do and forgets it.</summary>
    public Output TakeOutput() => throw new NotImplementedException();

    /// <summary>All outputs up to this sequence are durable.</summary>
    public void Persisted(ulong sequence) => throw new NotImplementedException();

    /// <summary>The state machine has applied everything up to this index.</summary>
    public void Applied(LogIndex index) => throw new NotImplementedException();

    /// <summary>Forgets entries up to this index, which must be applied and safe in a durable state.</summary>
    public void Compact(LogIndex upTo) => throw new NotImplementedException();

    /// <summary>A snapshot that the core asked to be sent has arrived there, or could not be delivered.</summary>
    public void SnapshotSent(MemberId to, bool delivered) => throw new NotImplementedException();

    /// <summary>The last messages to this member were probably lost.</summary>
    public void Unreachable(MemberId member) => throw new NotImplementedException();
}
