using System.Diagnostics.CodeAnalysis;
using Raft.Consensus;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Simulation.Tests.Checks;

/// <summary>
/// Sees everything that every member does, and holds it to the five safety properties (Raft paper, figure 3) and to the
/// promises made to clients. What members believe does not matter here; only what they do.
/// </summary>
internal sealed class SafetyChecker
{
    private const ulong StatesBetweenChecks = 8;

    private readonly Dictionary<Term, MemberId> _leaders = [];
    private readonly Dictionary<(MemberId Voter, Term Term), MemberId> _votes = [];
    private readonly HashSet<(MemberId Candidate, Term Term, MemberId Voter)> _preVotes = [];
    private readonly Dictionary<EntryId, (EntryId Previous, ulong Content)> _entries = [];
    private readonly Dictionary<ulong, EntryId> _applied = [];
    private readonly Dictionary<ulong, ulong> _states = [];
    private readonly HashSet<string> _written = [];
    private readonly Dictionary<ulong, (EntryId Id, Term By)> _committed = [];
    private readonly Dictionary<MemberId, (Term Term, LogIndex Last)> _leaderLogs = [];

    /// <summary>The newest revision that a client was told of, by the answer to a write or to a linearizable read.</summary>
    public long SeenRevision { get; private set; }

    public LogIndex LastApplied { get; private set; }

    public int Elections => _leaders.Count;

    /// <summary>Requests that were answered, linearizable reads and writes.</summary>
    public long Answered { get; private set; }

    /// <summary>Election Safety, Leader Completeness, Leader Append-Only.</summary>
    public void Leads(MemberId leader, Term term, LogIndex last, Func<EntryId, bool> logHolds)
    {
        if (_leaders.TryAdd(term, leader))
        {
            foreach (var (id, by) in _committed.Values)
            {
                if (by < term)
                    Holds(logHolds(id), "Leader Completeness", $"{leader} leads term {term} without {id}, committed in term {by}", leader);
            }
        }

        Holds(_leaders[term] == leader, "Election Safety", $"{leader} and {_leaders[term]} both lead term {term}", leader);
        if (_leaderLogs.TryGetValue(leader, out var before) && before.Term == term)
            Holds(last >= before.Last, "Leader Append-Only", $"the log of {leader} fell from {before.Last} to {last} in term {term}", leader);
        _leaderLogs[leader] = (term, last);
    }

    /// <summary>Log Matching: an entry's id stands for its content and, entry by entry, for all before it.</summary>
    public void Logs(MemberId member, EntryId previous, LogEntry entry)
    {
        var content = StateHash.Of(entry);
        if (!_entries.TryAdd(entry.Id, (previous, content)))
        {
            Holds(
                _entries[entry.Id] == (previous, content),
                "Log Matching",
                $"{member} has another {entry.Id} or another entry before it than others have",
                member);
        }
    }

    /// <summary>State Machine Safety: what one applies at an index, all apply there.</summary>
    public void Applies(MemberId member, Term memberTerm, LogEntry entry)
    {
        var index = entry.Id.Index.Value;
        if (!_applied.TryAdd(index, entry.Id))
            Holds(_applied[index] == entry.Id, "State Machine Safety", $"{member} applies {entry.Id} where others applied {_applied[index]}", member);
        if (entry.Id.Index > LastApplied && WrittenBy(entry) is { } value)
            Holds(_written.Add(value), "At most once", $"{value} is written a second time, by {entry.Id}", member);
        if (!_committed.TryGetValue(index, out var known) || memberTerm < known.By)
            _committed[index] = (entry.Id, memberTerm);
        if (entry.Id.Index > LastApplied)
            LastApplied = entry.Id.Index;
    }

    /// <summary>Equal applied index, equal state. Looked at where it is cheap: at some indexes, the same for all members.</summary>
    public void HasState(MemberId member, EntryId applied, Func<ulong> hash)
    {
        if (applied.Index.Value % StatesBetweenChecks == 0)
            MustHaveState(member, applied, hash());
    }

    /// <summary>Equal applied index, equal state.</summary>
    public void MustHaveState(MemberId member, EntryId applied, ulong hash)
    {
        if (!_states.TryAdd(applied.Index.Value, hash))
            Holds(_states[applied.Index.Value] == hash, "Equal state", $"{member} has another state at {applied} than others had there", member);
    }

    /// <summary>
    /// Whoever applies an entry first relies on a quorum that holds it durably (paper, section 5.3): only then does no set of
    /// crashes take it back.
    /// </summary>
    public static void CommitsDurably(MemberId member, EntryId entry, bool isOnQuorum) => Holds(
        isOnQuorum,
        "Durable before committed",
        $"{member} applies {entry}, which is on the disks of no quorum",
        member);

    /// <summary>
    /// A leader counts only to entries of its own term; an older one may be on a majority and yet be overwritten (paper,
    /// section 5.4.2). The loss of figure 8 takes five steps in one order, so the cause is looked for rather than the loss.
    /// </summary>
    public static void CountsOwnTerm(MemberId leader, EntryId committed, Term term) => Holds(
        committed.Term == term,
        "Commits its own term",
        $"{leader} leads term {term} and commits up to {committed}",
        leader);

    /// <summary>
    /// Nobody enters a new term of its own accord unless a quorum said that it would win (PreVote, thesis, section 9.6): else
    /// whoever was cut off deposes a working leader when it comes back.
    /// </summary>
    /// <remarks>
    /// A request for votes waits for the candidate's disk. If that takes until somebody else leads the term, the candidate follows,
    /// and may belong to a larger cluster by the time that its old request leaves: nobody can vote for it any more.
    /// </remarks>
    public void Campaigns(Message message, ConsensusStatus sender, int quorum)
    {
        if (message is { Kind: MessageKind.PreVoteResponse, Reject: false })
            _preVotes.Add((message.To, message.Term, message.From));
        if (message is not { Kind: MessageKind.VoteRequest, Context: 0 } || sender.Role != Role.Candidate || sender.Term != message.Term)
            return;
        var granted = 1 + _preVotes.Count(vote => vote.Candidate == message.From && vote.Term == message.Term);
        Holds(granted >= quorum, "Pre-vote", $"{message.From} campaigns in term {message.Term} with {granted} pre-votes of the needed {quorum}", message.From);
    }

    /// <summary>What a member says is true of its disk, and does not contradict what it said before it crashed.</summary>
    public void Sends(Message message, Term memberTerm, HardState onDisk, Func<EntryId, bool> holdsDurably)
    {
        if (message.Kind == MessageKind.VoteResponse && !message.Reject)
        {
            var vote = (message.From, message.Term);
            Holds(
                _votes.TryAdd(vote, message.To) || _votes[vote] == message.To,
                "One vote a term",
                $"{message.From} votes for {message.To} and for {_votes[vote]} in term {message.Term}",
                message.From);
            Holds(
                onDisk.Term > message.Term || (onDisk.Term == message.Term && onDisk.Vote == message.To),
                "Durable before voted",
                $"{message.From} votes for {message.To} in term {message.Term}, but its disk says {onDisk}",
                message.From);
        }

        if (message.Kind == MessageKind.AppendResponse && !message.Reject && message.Term == memberTerm)
            Holds(holdsDurably(message.Log), "Durable before acknowledged", $"{message.From} acknowledges {message.Log} that is not on its disk", message.From);
    }

    /// <summary>An answer shows at least what any client knew when its request was made: real time is respected.</summary>
    public void Answers(string request, long seenBefore, long revision, MemberId? member)
    {
        Answered++;
        Holds(
            revision >= seenBefore,
            "Linearizable",
            $"{request} is answered at revision {revision}, but {seenBefore} had been seen before it was made",
            member);
        SeenRevision = Math.Max(SeenRevision, revision);
    }

    /// <summary>Terms, commit and applied indexes never go back, votes never change within a term.</summary>
    public static void Progresses(MemberId member, HardState before, HardState after) => Holds(
        after.Term > before.Term
        || (after.Term == before.Term && (before.Vote == MemberId.None || before.Vote == after.Vote)),
        "Term and vote",
        $"the hard state went from {before} to {after}",
        member);

    /// <param name="condition">What must be so.</param>
    /// <param name="rule">The name of the invariant.</param>
    /// <param name="what">What was seen instead.</param>
    /// <param name="member">Whose it is, where it is one member's.</param>
    public static void Holds([DoesNotReturnIf(false)] bool condition, string rule, string what, MemberId? member = null)
    {
        if (!condition)
            throw new SafetyViolationException($"{rule}: {what}", member);
    }

    /// <summary>
    /// What a client's command writes: no two are given the same, so one that is there twice takes effect twice. In a session it
    /// may be there twice; that it takes effect once is seen in the history.
    /// </summary>
    private static string? WrittenBy(LogEntry entry)
    {
        if (entry.Kind != EntryKind.Command || entry.Data.IsEmpty)
            return null;
        var command = Command.Parser.ParseFrom(entry.Data.Span);
        return command.OperationCase switch
        {
            _ when command.Session is not null => null,
            Command.OperationOneofCase.Put => command.Put.Value.ToStringUtf8(),
            Command.OperationOneofCase.Txn => command.Txn.Success[0].RequestPut.Value.ToStringUtf8(),
            _ => null,
        };
    }
}
