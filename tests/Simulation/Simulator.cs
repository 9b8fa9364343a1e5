using System.Globalization;
using System.Text;
using Raft.Consensus;

namespace Raft.Simulation.Tests;

/// <summary>What one run was made of.</summary>
internal sealed record RunSummary(
    long SimulatedMilliseconds, int Elections, int Crashes, long Lost, int Changes, long Writes, long Reads, string TraceHash);

/// <summary>
/// One seed, one run: real cores over a simulated clock, network and disks, in one thread. A first phase with faults in which
/// nothing wrong may happen; then everything heals, and within a bound a write must succeed and reach every member.
/// </summary>
internal sealed class Simulator
{
    private const int HealingMilliseconds = 60_000;
    private const int HealingReads = 8;

    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private readonly SortedDictionary<MemberId, SimulatedMember> _members = [];
    private readonly HashSet<MemberId> _removed = [];
    private readonly Dictionary<EntryId, StateImage> _images = [];
    private readonly SeededRandom _random;
    private readonly Swarm _swarm;
    private readonly SimulatedNetwork _network;
    private readonly ConsensusRules _rules;
    private (LogIndex Since, Configuration Members) _newestConfiguration;
    private (LogIndex Since, Configuration Members) _answeredConfiguration;
    private Configuration _configurationBefore;
    private long _order;
    private ulong _lastWrite;
    private ulong _lastMemberId;
    private bool _isHealing;
    private int _crashes;
    private int _changes;

    public Simulator(ulong seed, ConsensusRules? rules = null, bool keepsTrace = false)
    {
        Trace = new Trace(keepsTrace);
        _rules = rules ?? ConsensusRules.Standard;
        _random = new SeededRandom(seed);
        _swarm = Swarm.Draw(_random.Fork());
        _network = new SimulatedNetwork(this, _random.Fork(), _swarm);
        Trace.Write(0, $"seed {seed} {_swarm}");
        _lastMemberId = (ulong)_swarm.Voters;
        var first = new Configuration([.. Enumerable.Range(1, _swarm.Voters).Select(id => new MemberId((ulong)id))], []);
        _answeredConfiguration = _newestConfiguration = (new LogIndex(1), first);
        _configurationBefore = first;
        foreach (var id in first.Voters)
            Add(id, StateImage.Initial(first));
    }

    public long Now { get; private set; }

    public Trace Trace { get; }

    public SafetyChecker Checker { get; } = new();

    public int SyncMilliseconds => _isHealing ? 2 : _swarm.SyncMilliseconds;

    /// <summary>Runs the seed to its end.</summary>
    /// <exception cref="SafetyViolationException">A promise was broken, or progress did not come back.</exception>
    /// <exception cref="InvariantViolationException">A member found its own state broken.</exception>
    public RunSummary Run()
    {
        At(0, Load);
        At(0, BreakThings);
        RunUntil(() => Now >= _swarm.DurationMilliseconds);
        Heal();
        return new RunSummary(Now, Checker.Elections, _crashes, _network.Lost, _changes, Checker.AcknowledgedWrites, Checker.AnsweredReads, Trace.Hash);
    }

    /// <summary>Lets something happen so many milliseconds from now; what is due at the same time happens in the order of asking.</summary>
    public void At(long milliseconds, Action happens) => _events.Enqueue(happens, (Now + milliseconds, _order++));

    public ConsensusOptions OptionsOf(MemberId id, SeededRandom random) => new()
    {
        Id = id,
        Random = random.Below,
        AppendsInFlightMax = _swarm.AppendsInFlightMax,
        AppendBytesMax = _swarm.AppendBytesMax,
        CommittedBytesMax = _swarm.CommittedBytesMax,
        Rules = _rules,
    };

    public bool CrashesNow(SeededRandom random)
    {
        if (_isHealing || !random.Chance(_swarm.CrashChance))
            return false;
        _crashes++;
        return true;
    }

    public void Send(Message message)
    {
        if (message.Kind == MessageKind.SnapshotRequest)
        {
            var image = _members[message.From].TakeSnapshot();
            message = message with { Snapshot = new SnapshotMetadata(image.Last, image.Configuration) };
            _images[image.Last] = image;
        }

        _network.Send(message);
    }

    public void Deliver(Message message)
    {
        Trace.Write(Now, $"{SimulatedNetwork.Describe(message)}");
        if (!_members.TryGetValue(message.To, out var member) || member.Module is null)
        {
            Lost(message);
            return;
        }

        if (message.Snapshot is not { } snapshot)
        {
            member.Receive(message);
            return;
        }

        member.ReceiveSnapshot(message, _images[snapshot.Last]);
        TellSnapshotSent(message, delivered: true);
    }

    public void Lost(Message message)
    {
        if (message.Kind == MessageKind.SnapshotRequest)
            TellSnapshotSent(message, delivered: false);
    }

    /// <summary>How many voters have an entry on their disks.</summary>
    public int DurableOn(EntryId entry, Configuration configuration) =>
        configuration.Voters.Count(voter => _members.TryGetValue(voter, out var member) && member.Disk.Holds(entry));

    /// <summary>
    /// Whether a quorum has an entry on its disks. In the midst of a change either of the two configurations may have
    /// committed it: the leader's becomes another only when it applies the change.
    /// </summary>
    public bool IsOnQuorum(EntryId entry) =>
        DurableOn(entry, _newestConfiguration.Members) >= _newestConfiguration.Members.Quorum
        || DurableOn(entry, _configurationBefore) >= _configurationBefore.Quorum;

    /// <summary>
    /// The members as of an applied change. Only when the change is answered, by the leader that applied it or by the member
    /// that left, an administrator may switch the removed one off.
    /// </summary>
    public void MembersAre(LogIndex since, Configuration members, bool isAnswered)
    {
        if (since > _newestConfiguration.Since && members != _newestConfiguration.Members)
        {
            _changes++;
            _configurationBefore = _newestConfiguration.Members;
            _newestConfiguration = (since, members);
        }

        if (isAnswered && since > _answeredConfiguration.Since)
        {
            _removed.UnionWith(_answeredConfiguration.Members.Members.Except(members.Members));
            _answeredConfiguration = (since, members);
        }
    }

    private void TellSnapshotSent(Message message, bool delivered)
    {
        if (_members.TryGetValue(message.From, out var sender) && sender.Module is { } module)
        {
            module.SnapshotSent(message.To, delivered);
            sender.WorkSoon();
        }
    }

    private void Add(MemberId id, StateImage image)
    {
        var member = new SimulatedMember(this, id, image, _random.Fork());
        _members[id] = member;
        member.Start();
    }

    private void RunUntil(Func<bool> isOver)
    {
        while (!isOver() && _events.TryDequeue(out var happens, out var when))
        {
            Now = when.Time;
            happens();
        }
    }

    /// <summary>Clients: they write to and read from whoever says that it leads, be it true or not.</summary>
    private void Load()
    {
        if (_isHealing)
            return;
        foreach (var member in Leaders())
        {
            for (var writes = _random.Below(_swarm.WriteBurst + 1); writes > 0; writes--)
                Write(member);
            if (_random.Chance(_swarm.ReadChance))
                member.Read();
        }

        At(_random.Between(1, 100), Load);
    }

    private EntryId? Write(SimulatedMember leader) =>
        leader.Write(Encoding.ASCII.GetBytes((++_lastWrite).ToString(CultureInfo.InvariantCulture)));

    private List<SimulatedMember> Leaders() => [.. _members.Values.Where(member => member.Module?.Role == Role.Leader)];

    private void BreakThings()
    {
        if (_isHealing)
            return;
        if (_random.Chance(_swarm.PartitionChance))
            _network.Reshape([.. _members.Keys]);
        foreach (var member in _members.Values.ToList())
        {
            if (member.Module is null)
            {
                if (_random.Below(10) == 0)
                    member.Start();
            }
            else if (_random.Chance(_swarm.CompactionChance))
            {
                member.Compact();
            }
        }

        foreach (var leader in Leaders())
            Administer(leader);
        At(100, BreakThings);
    }

    private void Administer(SimulatedMember leader)
    {
        if (_random.Chance(_swarm.TransferChance))
        {
            leader.Module!.TransferLeadership(_random.Pick([.. _members.Keys]));
            leader.WorkSoon();
        }

        if (_random.Chance(_swarm.ChangeChance))
            ChangeMembers(leader);
    }

    private void ChangeMembers(SimulatedMember leader)
    {
        var members = leader.Module!.Status.Configuration;
        var (kind, id) = _random.Below(3) switch
        {
            0 when members.Members.Count() < 7 => (ConfigurationChangeKind.AddLearner, new MemberId(_lastMemberId + 1)),
            1 when members.Learners.Count > 0 => (ConfigurationChangeKind.PromoteLearner, members.Learners[0]),
            _ => (ConfigurationChangeKind.RemoveMember, _random.Pick([.. members.Members])),
        };
        var result = leader.Module.ProposeChange(new ConfigurationChange(kind, id, ReadOnlyMemory<byte>.Empty));
        Trace.Write(Now, $"{leader.Id} is asked to {kind} {id}: {result.Outcome}");
        leader.WorkSoon();
        if (kind == ConfigurationChangeKind.AddLearner && result.Outcome == ProposalOutcome.Accepted)
        {
            _lastMemberId++;
            Add(id, StateImage.Blank);
        }
    }

    /// <summary>Faults end. Within a bound a leader must take a write that reaches every member of the newest configuration.</summary>
    private void Heal()
    {
        Trace.Write(Now, $"healing");
        _isHealing = true;
        _network.BecomePerfect();
        foreach (var (id, member) in _members.ToList())
        {
            if (_removed.Contains(id) && _random.Below(2) == 0)
                member.Crash();
            else if (member.Module is null)
                member.Start();
        }

        var bound = Now + HealingMilliseconds;
        LogIndex? target = null;
        var asked = Now;
        var readsBefore = Checker.AnsweredReads;
        var (answered, readAsked) = (readsBefore - 1, Now);
        RunUntil(() =>
        {
            SafetyChecker.Holds(Now < bound, "Progress", $"no write reached all of {_newestConfiguration.Members}, or no {HealingReads} reads came back, within {HealingMilliseconds} ms");
            if ((target is null || Now > asked + 1_000) && Leaders() is [var leader])
            {
                // A client asks again: the leader that took the write may have lost its place, and the write with it.
                target = Write(leader)?.Index;
                asked = Now;
            }

            // Reads come back too, one after the other: a leader that answers only its first is of no use. More than
            // there are members, as a late answer of each may release one by chance.
            if ((Checker.AnsweredReads > answered || Now > readAsked + 1_000) && Leaders() is [var reader])
            {
                (answered, readAsked) = (Checker.AnsweredReads, Now);
                reader.Read();
            }

            return target is { } index
                && Checker.AnsweredReads >= readsBefore + HealingReads
                && Checker.LastApplied >= index
                && _newestConfiguration.Members.Members.All(id => _members[id].Applied >= index);
        });
        SafetyChecker.Holds(Checker.LastApplied >= Checker.Seen, "Durability", $"{Checker.Seen} was seen, the log ends at {Checker.LastApplied}");
    }
}
