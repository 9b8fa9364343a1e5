using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Disks;

namespace Raft.Simulation.Tests.Members;

/// <summary>
/// Watches one member from outside, through what it asks of its ports and what its status says, and holds it to the promises.
/// </summary>
internal sealed class MemberWatch(Simulator simulator, SimulatedMember member)
{
    // Two election timeouts and what a late answer may add.
    private const long UnheardTicksMax = 25;

    private readonly Dictionary<MemberId, long> _heardAt = [];
    private LogImage _memory = new(new RecoveredLog(default, EntryId.Zero, []));
    private EntryId _applied;
    private Configuration _configuration = Configuration.Empty;
    private LogIndex _commit;
    private Term _ledTerm;
    private long _revision;
    private long _ticks;
    private long _quorumSince;

    /// <summary>What this member has put into its log, durable or not.</summary>
    public LogImage Memory => _memory;

    public LogIndex Applied => _applied.Index;

    /// <summary>The members as of the applied index.</summary>
    public Configuration Configuration => _configuration;

    /// <summary>A log was read back: all that was completed before is in it.</summary>
    public static void Recovers(MemberId member, LogImage promised, RecoveredLog recovered)
    {
        var found = new LogImage(recovered);
        SafetyChecker.Progresses(member, promised.HardState, found.HardState);
        foreach (var entry in promised.Entries)
        {
            if (entry.Id.Index <= found.Base.Index)
                continue;
            var kept = found.At(entry.Id.Index);
            SafetyChecker.Holds(
                kept is not null && (kept.Id.Term > entry.Id.Term || (kept.Id == entry.Id && kept.Data.Span.SequenceEqual(entry.Data.Span))),
                "Durable log",
                $"{entry.Id} was durable in the log of {member}, which now holds {kept?.Id.ToString() ?? "nothing"} there",
                member);
            if (kept!.Id != entry.Id)
                return; // it was being replaced: all after it goes too
        }
    }

    /// <summary>Before the node reads what it was left.</summary>
    public void Starts(RecoveredLog recovered)
    {
        _memory = new LogImage(recovered);
        _commit = default;
        _ledTerm = default;
        _revision = 0;
    }

    /// <summary>The node has put log and state together.</summary>
    public void Started(ConsensusStatus status)
    {
        _applied = new EntryId(default, status.Applied);
        _configuration = status.Configuration;
    }

    public void Appends(LogWrite write)
    {
        foreach (var entry in write.Entries)
        {
            simulator.Checker.Logs(member.Id, Previous(write, entry), entry);
            // A leader that the follower trusts never takes back what the follower knows to be committed.
            SafetyChecker.Holds(
                entry.Id.Index > _commit || write.Snapshot is not null || Memory.Holds(entry.Id),
                "Committed entries stay",
                $"{member.Id} replaces {entry.Id.Index}, committed up to {_commit}",
                member.Id);
        }

        _memory.Write(write);
    }

    /// <summary>A snapshot has replaced the state.</summary>
    public void Installs(EntryId last, Configuration configuration)
    {
        SafetyChecker.Holds(last.Index > _applied.Index, "In order", $"{member.Id} installs {last} over {_applied}", member.Id);
        (_applied, _configuration) = (last, configuration);
        simulator.Trace.Note(member.Id, $"{member.Id} installs {last}");
        simulator.Checker.HasState(member.Id, last, () => StateHash.Of(member.Store.Present));
    }

    /// <summary>A batch of committed entries is in the state.</summary>
    public void Applies(EntryId last, Configuration configuration)
    {
        if (last.Index < _applied.Index || (last.Index == _applied.Index && _applied.Term != default))
        {
            SafetyChecker.Holds(last == _applied, "In order", $"{member.Id} applies {last} after {_applied}", member.Id);
            return; // a batch of the member's own, such as a step of compaction
        }

        for (var index = _applied.Index.Next; index <= last.Index; index = index.Next)
        {
            var entry = _memory.At(index);
            SafetyChecker.Holds(entry is not null, "In order", $"{member.Id} applies {index} that its log does not hold", member.Id);
            var isFirst = index > simulator.Checker.LastApplied;
            if (isFirst)
                SafetyChecker.CommitsDurably(member.Id, entry.Id, simulator.IsOnQuorum(entry.Id));
            simulator.Checker.Applies(member.Id, _memory.HardState.Term, entry);
            if (isFirst)
                simulator.Truth.Apply(entry);
            if (entry.Kind == EntryKind.ConfigurationChange)
            {
                var change = ConfigurationChange.Decode(entry.Data);
                _configuration = _configuration.Apply(change);
                _quorumSince = _ticks;
                simulator.Trace.Note(member.Id, $"{member.Id} changes to {_configuration}");
                simulator.Administrator.MembersAre(index, _configuration);
            }
        }

        _applied = last;
        SafetyChecker.Holds(
            configuration == _configuration, "Configuration", $"{member.Id} takes {configuration} for the members at {last}, not {_configuration}", member.Id);
        simulator.Checker.HasState(member.Id, last, () => StateHash.Of(member.Store.Present));
    }

    public void Ticks() => _ticks++;

    /// <summary>A message of another member has arrived.</summary>
    public void Hears(MemberId from) => _heardAt[from] = _ticks;

    /// <summary>After a turn: what the member says of itself.</summary>
    public void Observe(NodeStatus status)
    {
        var consensus = status.Consensus;
        var commit = consensus.Commit;
        SafetyChecker.Holds(commit >= _commit, "Commit index", $"that of {member.Id} went back from {_commit} to {commit}", member.Id);
        if (_ledTerm == consensus.Term && commit > _commit && _memory.At(commit) is { } committed)
            SafetyChecker.CountsOwnTerm(member.Id, committed.Id, consensus.Term);
        _commit = commit;
        var isLeader = consensus.Role == Role.Leader;
        if (isLeader && _ledTerm != consensus.Term)
            _quorumSince = _ticks;
        _ledTerm = isLeader ? consensus.Term : default;
        if (isLeader)
        {
            SafetyChecker.Holds(
                consensus.Configuration.Voters.Count(IsHeard) >= consensus.Configuration.Quorum,
                "Check quorum",
                $"{member.Id} goes on leading term {consensus.Term} without having heard from a quorum for {UnheardTicksMax} ticks",
                member.Id);
            simulator.Checker.Leads(member.Id, consensus.Term, consensus.Last.Index, _memory.Holds);
            if (consensus.Configuration.Contains(member.Id))
                simulator.Administrator.IsAnswered(consensus.Applied);
        }
        else if (status.IsRemoved)
        {
            simulator.Administrator.IsAnswered(consensus.Applied);
        }

        var revision = member.Node!.Store.Revision;
        SafetyChecker.Holds(revision >= _revision, "Revision", $"that of {member.Id} went back from {_revision} to {revision}", member.Id);
        _revision = revision;
    }

    private bool IsHeard(MemberId voter) =>
        voter == member.Id || _ticks - Math.Max(_quorumSince, _heardAt.GetValueOrDefault(voter)) <= UnheardTicksMax;

    private EntryId Previous(LogWrite write, LogEntry entry)
    {
        var first = write.Entries[0].Id.Index;
        return entry.Id.Index > first ? write.Entries[(int)(entry.Id.Index.Value - first.Value) - 1].Id
            : write.Snapshot ?? _memory.Before(first);
    }
}
