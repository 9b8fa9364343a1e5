using Raft.Consensus;

namespace Raft.Simulation.Tests;

/// <summary>
/// One member: the real core, a simulated disk, and a state machine. Does with each output what the node does, in the same
/// order, and may die between any two steps.
/// </summary>
internal sealed class SimulatedMember
{
    private readonly Simulator _simulator;
    private readonly SeededRandom _random;
    private readonly Dictionary<EntryId, StateImage> _receivedSnapshots = [];
    private readonly Dictionary<ulong, EntryId> _proposals = [];
    private readonly Dictionary<ulong, LogIndex> _reads = [];
    private readonly List<EntryId> _log = [];
    private EntryId _logBase;
    private StateImage _state;
    private Configuration _previousConfiguration = Configuration.Empty;
    private LogIndex _commit;
    private Term _ledTerm;
    private bool _turnIsDue;
    private bool _syncIsDue;
    private ulong _nextRead;

    public SimulatedMember(Simulator simulator, MemberId id, StateImage image, SeededRandom random)
    {
        _simulator = simulator;
        _random = random;
        Id = id;
        Disk = new SimulatedDisk(image);
        _state = image;
        TickMilliseconds = random.Between(90, 110);
    }

    public MemberId Id { get; }

    public SimulatedDisk Disk { get; }

    /// <summary>Null while it is down.</summary>
    public ConsensusModule? Module { get; private set; }

    /// <summary>Clocks drift: no two members tick at the same pace.</summary>
    public int TickMilliseconds { get; }

    public int Incarnation { get; private set; }

    public LogIndex Applied => _state.Last.Index;

    public void Start()
    {
        var recovered = Disk.Recover();
        _state = Disk.Image;
        _logBase = recovered.Base;
        _log.Clear();
        _log.AddRange(recovered.Entries.Select(entry => entry.Id));
        _previousConfiguration = recovered.Configuration;
        Incarnation++;
        _turnIsDue = _syncIsDue = false;
        _commit = default;
        _ledTerm = default;
        Module = new ConsensusModule(_simulator.OptionsOf(Id, _random), recovered);
        _simulator.Trace.Write(_simulator.Now, $"{Id} starts, {recovered.HardState}, log {recovered.Base}..{Module.Status.Last}");
        var incarnation = Incarnation;
        _simulator.At(_random.Between(1, TickMilliseconds), () => Tick(incarnation));
    }

    public void Crash()
    {
        if (Module is null)
            return;
        _simulator.Trace.Write(_simulator.Now, $"{Id} crashes with {Disk.WritesUnderWay} writes under way");
        Module = null;
        Incarnation++;
        Disk.Crash(_random);
        _receivedSnapshots.Clear();
        _proposals.Clear();
        _reads.Clear();
    }

    public void Receive(Message message)
    {
        Module!.Receive(message);
        WorkSoon();
    }

    public void ReceiveSnapshot(Message message, StateImage image)
    {
        _receivedSnapshots[image.Last] = image;
        Module!.Receive(message);
        Work();
        _receivedSnapshots.Clear();
    }

    public EntryId? Write(byte[] command)
    {
        if (Module!.Propose(command) is not { Outcome: ProposalOutcome.Accepted } result)
            return null;
        _proposals[result.Entry.Index.Value] = result.Entry;
        WorkSoon();
        return result.Entry;
    }

    public void Read()
    {
        if (!Module!.RequestRead(++_nextRead))
            return;
        _reads[_nextRead] = _simulator.Checker.Seen;
        WorkSoon();
    }

    /// <summary>Flushes the state and forgets most of the log that led to it.</summary>
    public void Compact()
    {
        Disk.Flush(_state);
        var kept = (ulong)_random.Below(5);
        var upTo = new LogIndex(Applied.Value > kept ? Applied.Value - kept : 0);
        if (_random.Below(3) == 0 || upTo <= Module!.Status.Base.Index)
            return;
        _simulator.Trace.Write(_simulator.Now, $"{Id} compacts up to {upTo}");
        Module.Compact(upTo);
        Disk.DiscardUpTo(upTo);
        _log.RemoveRange(0, (int)(upTo.Value - _logBase.Index.Value));
        _logBase = Module.Status.Base;
    }

    public StateImage TakeSnapshot() => _state;

    public void WorkSoon()
    {
        if (_turnIsDue)
            return;
        _turnIsDue = true;
        var incarnation = Incarnation;
        _simulator.At(_random.Below(4), () =>
        {
            if (incarnation != Incarnation)
                return;
            _turnIsDue = false;
            Work();
        });
    }

    private void Tick(int incarnation)
    {
        if (incarnation != Incarnation)
            return;
        Module!.Tick();
        WorkSoon();
        _simulator.At(TickMilliseconds, () => Tick(incarnation));
    }

    private void Work()
    {
        var incarnation = Incarnation;
        while (incarnation == Incarnation && Module!.HasOutput)
            Carry(Module.TakeOutput());
        if (incarnation == Incarnation)
            Observe();
    }

    private void Carry(Output output)
    {
        RememberLog(output);
        if (DiesHere())
            return;
        foreach (var message in output.Messages)
        {
            _simulator.Checker.Sends(message, Module!.Term, Disk);
            _simulator.Send(message);
        }

        if (output.InstallSnapshot is { } snapshot)
        {
            _state = _receivedSnapshots[snapshot.Last];
            _simulator.Checker.Installs(Id, _state);
            _simulator.Trace.Write(_simulator.Now, $"{Id} installs {snapshot.Last}");
            Disk.Install(_state);
            if (DiesHere())
                return;
        }

        if (output.PersistSequence > 0)
        {
            Disk.Begin(output);
            SyncSoon();
        }

        foreach (var entry in output.Committed)
        {
            if (DiesHere())
                return;
            Apply(entry);
        }

        if (output.Committed.Count > 0)
            Module!.Applied(Applied);
        AnswerReads(output);
    }

    private bool DiesHere()
    {
        if (!_simulator.CrashesNow(_random))
            return false;
        Crash();
        return true;
    }

    private void SyncSoon()
    {
        if (_syncIsDue)
            return;
        _syncIsDue = true;
        var incarnation = Incarnation;
        _simulator.At(_random.Below(_simulator.SyncMilliseconds + 1), () =>
        {
            if (incarnation != Incarnation)
                return;
            _syncIsDue = false;
            var before = Disk.HardState;
            var sequence = 0UL;
            for (var writes = _random.Between(1, Disk.WritesUnderWay); writes > 0; writes--)
                sequence = Disk.CompleteOldest();
            SafetyChecker.Progresses(before, Disk.HardState);
            if (Disk.WritesUnderWay > 0)
                SyncSoon();
            if (DiesHere())
                return;
            Module!.Persisted(sequence);
            WorkSoon();
        });
    }

    private void Apply(LogEntry entry)
    {
        SafetyChecker.Holds(entry.Id.Index == Applied.Next, "In order", $"{Id} applies {entry.Id} after {Applied}");
        if (entry.Id.Index > _simulator.Checker.LastApplied)
            SafetyChecker.CommitsDurably(Id, entry.Id, _simulator.IsOnQuorum(entry.Id));
        var configuration = _state.Configuration;
        if (entry.Kind == EntryKind.ConfigurationChange)
        {
            _previousConfiguration = configuration;
            configuration = configuration.Apply(ConfigurationChange.Decode(entry.Data));
            _simulator.Trace.Write(_simulator.Now, $"{Id} changes to {configuration}");
        }

        _state = new StateImage(entry.Id, _simulator.Checker.Applies(Id, Module!.Term, entry, _state.Hash), configuration);
        _simulator.MembersAre(entry.Id.Index, configuration, isAnswered: Module.Role == Role.Leader || !configuration.Contains(Id));
        if (_proposals.Remove(entry.Id.Index.Value, out var proposal) && proposal == entry.Id)
            Acknowledge(entry.Id);
    }

    // In the midst of a change either of the two configurations may have committed the entry.
    private void Acknowledge(EntryId write)
    {
        var now = _simulator.DurableOn(write, _state.Configuration);
        var before = _simulator.DurableOn(write, _previousConfiguration);
        if (before < _previousConfiguration.Quorum || _previousConfiguration == Configuration.Empty)
            _simulator.Checker.Acknowledges(write, now, _state.Configuration.Quorum);
        else
            _simulator.Checker.Acknowledges(write, before, _previousConfiguration.Quorum);
    }

    private void AnswerReads(Output output)
    {
        foreach (var read in output.ReleasedReads)
        {
            // Answered when the state has reached its index; that answer may show more, but never less.
            if (_reads.Remove(read.Context, out var seen) && Applied >= read.Index)
                _simulator.Checker.AnswersRead(Id, seen, read.Index, Applied);
            else
                SafetyChecker.Holds(seen <= read.Index, "Linearizable reads", $"{Id} releases a read at {read.Index}, {seen} had been seen");
        }

        foreach (var context in output.DroppedReads)
            _reads.Remove(context);
    }

    private void RememberLog(Output output)
    {
        if (output.InstallSnapshot is { } snapshot)
        {
            _logBase = snapshot.Last;
            _log.Clear();
        }

        foreach (var entry in output.Entries)
        {
            var position = (int)(entry.Id.Index.Value - _logBase.Index.Value) - 1;
            _log.RemoveRange(position, _log.Count - position);
            _simulator.Checker.Logs(Id, position == 0 ? _logBase : _log[^1], entry);
            _log.Add(entry.Id);
        }
    }

    private void Observe()
    {
        var commit = Module!.Status.Commit;
        SafetyChecker.Holds(commit >= _commit, "Commit index", $"that of {Id} went back from {_commit} to {commit}");
        if (_ledTerm == Module.Term && commit > _commit && commit > _logBase.Index)
        {
            var committed = _log[(int)(commit.Value - _logBase.Index.Value) - 1];
            SafetyChecker.CountsOwnTerm(Id, committed, Module.Term);
        }

        _commit = commit;
        _ledTerm = Module.Role == Role.Leader ? Module.Term : default;
        if (Module.Role == Role.Leader)
            _simulator.Checker.Leads(Id, Module.Term, new LogIndex(_logBase.Index.Value + (ulong)_log.Count), LogHolds);
    }

    private bool LogHolds(EntryId id) =>
        id.Index <= _logBase.Index
        || (id.Index.Value - _logBase.Index.Value <= (ulong)_log.Count && _log[(int)(id.Index.Value - _logBase.Index.Value) - 1] == id);
}
