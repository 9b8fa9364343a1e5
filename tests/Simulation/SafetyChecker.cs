using System.Diagnostics.CodeAnalysis;
using Raft.Consensus;

namespace Raft.Simulation.Tests;

/// <summary>
/// Sees everything that every member does, and holds it to the five safety properties (Raft paper, figure 3) and to the
/// promises made to clients. What members believe does not matter here; only what they do.
/// </summary>
internal sealed class SafetyChecker
{
    private readonly Dictionary<Term, MemberId> _leaders = [];
    private readonly Dictionary<(MemberId Voter, Term Term), MemberId> _votes = [];
    private readonly Dictionary<EntryId, (EntryId Previous, ulong Content)> _entries = [];
    private readonly Dictionary<ulong, (EntryId Id, ulong StateHash)> _applied = [];
    private readonly Dictionary<ulong, (EntryId Id, Term By)> _committed = [];
    private readonly Dictionary<MemberId, (Term Term, LogIndex Last)> _leaderLogs = [];

    /// <summary>The furthest that a client was told of: by an acknowledged write or by the answer to a read.</summary>
    public LogIndex Seen { get; private set; }

    public LogIndex LastApplied { get; private set; }

    public int Elections => _leaders.Count;

    public long AcknowledgedWrites { get; private set; }

    public long AnsweredReads { get; private set; }

    /// <summary>Election Safety, Leader Completeness, Leader Append-Only.</summary>
    public void Leads(MemberId leader, Term term, LogIndex last, Func<EntryId, bool> logHolds)
    {
        if (_leaders.TryAdd(term, leader))
        {
            foreach (var (id, by) in _committed.Values)
            {
                if (by < term)
                    Holds(logHolds(id), "Leader Completeness", $"{leader} leads term {term} without {id}, committed in term {by}");
            }
        }

        Holds(_leaders[term] == leader, "Election Safety", $"{leader} and {_leaders[term]} both lead term {term}");
        if (_leaderLogs.TryGetValue(leader, out var before) && before.Term == term)
            Holds(last >= before.Last, "Leader Append-Only", $"the log of {leader} fell from {before.Last} to {last} in term {term}");
        _leaderLogs[leader] = (term, last);
    }

    /// <summary>Log Matching: an entry's id stands for its content and, entry by entry, for all before it.</summary>
    public void Logs(MemberId member, EntryId previous, LogEntry entry)
    {
        var content = HashOf(entry);
        if (!_entries.TryAdd(entry.Id, (previous, content)))
        {
            Holds(
                _entries[entry.Id] == (previous, content),
                "Log Matching",
                $"{member} has another {entry.Id} or another entry before it than others have");
        }
    }

    /// <summary>State Machine Safety, for the entry and for the state that all entries so far led to.</summary>
    public ulong Applies(MemberId member, Term memberTerm, LogEntry entry, ulong stateBefore)
    {
        var state = Mix(stateBefore, HashOf(entry));
        var index = entry.Id.Index.Value;
        if (!_applied.TryAdd(index, (entry.Id, state)))
        {
            Holds(
                _applied[index] == (entry.Id, state),
                "State Machine Safety",
                $"{member} applies {entry.Id} where others applied {_applied[index].Id}");
        }

        if (!_committed.TryGetValue(index, out var known) || memberTerm < known.By)
            _committed[index] = (entry.Id, memberTerm);
        if (entry.Id.Index > LastApplied)
            LastApplied = entry.Id.Index;
        return state;
    }

    /// <summary>
    /// Whoever applies an entry first relies on a quorum that holds it durably (paper, section 5.3): only then does no set of
    /// crashes take it back.
    /// </summary>
    public static void CommitsDurably(MemberId member, EntryId entry, bool isOnQuorum) => Holds(
        isOnQuorum,
        "Durable before committed",
        $"{member} applies {entry}, which is on the disks of no quorum");

    /// <summary>
    /// A leader counts only to entries of its own term; an older one may be on a majority and yet be overwritten (paper,
    /// section 5.4.2). The loss of figure 8 takes five steps in one order, so the cause is looked for rather than the loss.
    /// </summary>
    public static void CountsOwnTerm(MemberId leader, EntryId committed, Term term) => Holds(
        committed.Term == term,
        "Commits its own term",
        $"{leader} leads term {term} and commits up to {committed}");

    /// <summary>A snapshot is the state that applying its entries gives.</summary>
    public void Installs(MemberId member, StateImage image) => Holds(
        !_applied.TryGetValue(image.Last.Index.Value, out var known) || known == (image.Last, image.Hash),
        "State Machine Safety",
        $"{member} installs a snapshot at {image.Last} that differs from what others applied");

    /// <summary>What a member says is true of its disk, and does not contradict what it said before it crashed.</summary>
    public void Sends(Message message, Term memberTerm, SimulatedDisk disk)
    {
        if (message.Kind == MessageKind.VoteResponse && !message.Reject)
        {
            var vote = (message.From, message.Term);
            Holds(
                _votes.TryAdd(vote, message.To) || _votes[vote] == message.To,
                "One vote a term",
                $"{message.From} votes for {message.To} and for {_votes[vote]} in term {message.Term}");
            var onDisk = disk.HardState;
            Holds(
                onDisk.Term > message.Term || (onDisk.Term == message.Term && onDisk.Vote == message.To),
                "Durable before voted",
                $"{message.From} votes for {message.To} in term {message.Term}, but its disk says {onDisk}");
        }

        if (message.Kind == MessageKind.AppendResponse && !message.Reject && message.Term == memberTerm)
            Holds(disk.Holds(message.Log), "Durable before acknowledged", $"{message.From} acknowledges {message.Log} that is not on its disk");
    }

    /// <summary>A client is told that its write took effect: it is on the disks of a quorum.</summary>
    public void Acknowledges(EntryId write, int durable, int quorum)
    {
        AcknowledgedWrites++;
        Holds(durable >= quorum, "Durable on a quorum", $"{write} is acknowledged, but on {durable} disks of the needed {quorum}");
        See(write.Index);
    }

    /// <summary>Linearizability of reads: at least what any client knew when the read was asked for.</summary>
    public void AnswersRead(MemberId member, LogIndex seenWhenAsked, LogIndex releasedAt, LogIndex stateAt)
    {
        AnsweredReads++;
        Holds(
            releasedAt >= seenWhenAsked && stateAt >= releasedAt,
            "Linearizable reads",
            $"{member} answers a read at {releasedAt} (state at {stateAt}), but {seenWhenAsked} had been seen before it was asked for");
        See(stateAt);
    }

    /// <summary>Terms, commit and applied indexes never go back, votes never change within a term.</summary>
    public static void Progresses(HardState before, HardState after) => Holds(
        after.Term > before.Term
        || (after.Term == before.Term && (before.Vote == MemberId.None || before.Vote == after.Vote)),
        "Term and vote",
        $"the hard state went from {before} to {after}");

    public static void Holds([DoesNotReturnIf(false)] bool condition, string rule, string what)
    {
        if (!condition)
            throw new SafetyViolationException($"{rule}: {what}");
    }

    private void See(LogIndex index)
    {
        if (index > Seen)
            Seen = index;
    }

    private static ulong HashOf(LogEntry entry)
    {
        var hash = Mix(entry.Id.Term.Value, entry.Id.Index.Value);
        hash = Mix(hash, (ulong)entry.Kind);
        foreach (var value in entry.Data.Span)
            hash = Mix(hash, value);
        return hash;
    }

    private static ulong Mix(ulong hash, ulong value) => (System.Numerics.BitOperations.RotateLeft(hash, 23) ^ value) * 0x9FB21C651E98DF25;
}
