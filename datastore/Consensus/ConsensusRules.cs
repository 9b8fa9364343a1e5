namespace Raft.Consensus;

/// <summary>
/// The decisions on which Raft's safety rests, each a pure function beside the code that obeys it: look for
/// <c>partial class ConsensusRules</c> in VoteGranting.cs, CommitRule.cs, ReadIndex.cs and so on. They are virtual for one
/// reason: the simulator breaks them one at a time and must notice every time.
/// </summary>
internal partial class ConsensusRules
{
    /// <summary>Raft as it should be.</summary>
    public static ConsensusRules Standard { get; } = new();
}
