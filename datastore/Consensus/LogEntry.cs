namespace Raft.Consensus;

/// <summary>What an entry's data is.</summary>
public enum EntryKind : byte
{
    /// <summary>A command for the state machine. Empty data: the no-op with which a leader opens its term (section 8).</summary>
    Command = 0,

    /// <summary>A <see cref="ConfigurationChange"/>, encoded.</summary>
    ConfigurationChange = 1,
}

/// <summary>One entry of the log. Immutable: an entry is replaced, never edited.</summary>
/// <param name="Id">Term and index.</param>
/// <param name="Kind">What the data is.</param>
/// <param name="Data">The bytes as proposed; the consensus core reads only those of configuration changes.</param>
public sealed record LogEntry(EntryId Id, EntryKind Kind, ReadOnlyMemory<byte> Data);

/// <summary>What a member must remember across a crash besides its log (Raft paper, figure 2, "persistent state").</summary>
/// <param name="Term">Latest term seen.</param>
/// <param name="Vote">Who got this member's vote in that term; none if nobody did.</param>
/// <param name="Commit">
/// Highest index known to be committed. Written along with what else must be; for its own sake only when a change of members
/// is to take effect. Otherwise losing its last value costs no more than learning it again.
/// </param>
public readonly record struct HardState(Term Term, MemberId Vote, LogIndex Commit);

/// <summary>What a snapshot stands for.</summary>
/// <param name="Last">The last entry whose effect it holds.</param>
/// <param name="Configuration">The members as of that entry.</param>
public sealed record SnapshotMetadata(EntryId Last, Configuration Configuration);
