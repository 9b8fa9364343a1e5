namespace Raft.Consensus;

/// <summary>A period of time with at most one leader (Raft paper, section 5.1). Never goes back.</summary>
/// <param name="Value">0 before the first election.</param>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>The term before any election.</summary>
    public static Term Zero => default;

    /// <summary>The term that a candidate moves to.</summary>
    public Term Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>Whether <paramref name="left"/> is the older term.</summary>
    public static bool operator <(Term left, Term right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is the newer term.</summary>
    public static bool operator >(Term left, Term right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is not the newer term.</summary>
    public static bool operator <=(Term left, Term right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is not the older term.</summary>
    public static bool operator >=(Term left, Term right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The position of an entry in the log. The first entry has index 1; 0 stands before it.</summary>
/// <param name="Value">The position.</param>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>The position before the first entry.</summary>
    public static LogIndex Zero => default;

    /// <summary>The position after this one.</summary>
    public LogIndex Next => new(Value + 1);

    /// <summary>The position before this one; zero stays zero.</summary>
    public LogIndex Previous => new(Value == 0 ? 0 : Value - 1);

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/>.</summary>
    public static bool operator <(LogIndex left, LogIndex right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/>.</summary>
    public static bool operator >(LogIndex left, LogIndex right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> does not come after <paramref name="right"/>.</summary>
    public static bool operator <=(LogIndex left, LogIndex right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> does not come before <paramref name="right"/>.</summary>
    public static bool operator >=(LogIndex left, LogIndex right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The identity of a member: chosen once, never used again after the member was removed.</summary>
/// <param name="Value">0 is nobody.</param>
public readonly record struct MemberId(ulong Value) : IComparable<MemberId>
{
    /// <summary>Nobody: no leader known, no vote cast.</summary>
    public static MemberId None => default;

    /// <inheritdoc/>
    public int CompareTo(MemberId other) => Value.CompareTo(other.Value);

    /// <summary>Hexadecimal, as etcd prints member ids.</summary>
    public override string ToString() => Value.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>
/// Names one entry for good: two logs that hold an entry with the same id hold the same entries up to it
/// (Log Matching, Raft paper, section 5.3).
/// </summary>
/// <param name="Term">Term of the leader that created the entry.</param>
/// <param name="Index">Position in the log.</param>
public readonly record struct EntryId(Term Term, LogIndex Index)
{
    /// <summary>Stands before the first entry of every log.</summary>
    public static EntryId Zero => default;

    /// <summary>The election restriction: a later term wins, then a longer log (Raft paper, section 5.4.1).</summary>
    public bool IsAtLeastAsUpToDateAs(EntryId other) =>
        Term > other.Term || (Term == other.Term && Index >= other.Index);

    /// <inheritdoc/>
    public override string ToString() => $"{Index}@{Term}";
}
