namespace Raft.KeyValue.Sessions;

/// <summary>
/// How much sessions may take. Members decide by these while they apply, so all of a cluster must have the same: they are no
/// settings, and another value is another version of the state machine.
/// <para>
/// At every limit a request is refused before it has any effect. Nothing is ever evicted to make room: the answer that is
/// thrown out might be the one that a retry needs, and another client's session is not ours to end.
/// </para>
/// </summary>
internal sealed record SessionLimits
{
    public static readonly SessionLimits Default = new();

    /// <summary>Granted when no time to live is wished.</summary>
    public long DefaultTtlMs { get; init; } = 5 * 60 * 1000;

    /// <summary>Shorter than this, the difference between the members' clocks would count.</summary>
    public long SmallestTtlMs { get; init; } = 1000;

    public long LargestTtlMs { get; init; } = 24 * 60 * 60 * 1000;

    /// <summary>Sessions open at once.</summary>
    public int SessionsMax { get; init; } = 4096;

    /// <summary>Once all places are taken, session time may be so far ahead of the clock of the member that is asked for one more, and no further.</summary>
    public long ClockLeadMaxMs { get; init; } = 10 * 60 * 1000;

    /// <summary>Answers kept of one session.</summary>
    public int AnswersMax { get; init; } = 128;

    /// <summary>Once a session's answers have this many bytes, no further request is taken in it.</summary>
    public long SessionBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Once all sessions' answers have this many bytes, no further request is taken in any.</summary>
    public long TotalBytesMax { get; init; } = 256L * 1024 * 1024;

    /// <summary>Bytes of one answer; of a larger one only the fact is kept that its request took effect.</summary>
    public int AnswerBytesMax { get; init; } = 3 * 512 * 1024;

    /// <summary>Sessions looked at by one command because their time may have come; the rest is left to the commands after it.</summary>
    public int ExpiriesPerCommand { get; init; } = 8;
}
