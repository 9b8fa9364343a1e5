using Raft.Consensus;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Clients;
using Raft.Simulation.Tests.Faults;
using Raft.Simulation.Tests.Members;
using Raft.Simulation.Tests.Mutations;
using Raft.Simulation.Tests.Network;
using Raft.Simulation.Tests.Timeline;

namespace Raft.Simulation.Tests;

/// <summary>
/// One seed, one run: real members over a simulated clock, network and disks, in one thread. A first phase with faults in which
/// nothing wrong may happen; then everything heals, and within a bound clients are served and all members agree.
/// </summary>
internal sealed class Simulator
{
    public const ulong ClusterId = 7;

    private const int HealingMilliseconds = 60_000;

    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private readonly SortedDictionary<MemberId, SimulatedMember> _members = [];
    private readonly List<SimulatedClient> _clients = [];
    private readonly List<SimulatedWatcher> _watchers = [];
    private readonly List<LeaseHolder> _holders = [];
    private readonly BatchWriter? _batches;
    private readonly SeededRandom _random;
    private readonly Saboteur _saboteur;
    private long _order;

    public Simulator(ulong seed, Parts? parts = null, bool keepsTrace = false, TimelineRecorder? timeline = null)
    {
        Trace = new Trace(() => Now, keepsTrace, timeline);
        Leases = new LeaseChecker(() => Now);
        Truth = new TrueHistory(Leases.Ends);
        History = new ClientHistory(Truth);
        Parts = parts ?? Parts.Sound;
        _random = new SeededRandom(seed);
        Swarm = Swarm.Draw(_random.Fork());
        Network = new SimulatedNetwork(this, _random.Fork(), Swarm);
        Trace.Begins($"seed {seed} {Swarm}");
        Member[] founders = [.. Enumerable.Range(1, Swarm.Voters).Select(id => Administrator.Describe((ulong)id, $"m{id}"))];
        Administrator = new Administrator(this, _random.Fork(), founders);
        _saboteur = new Saboteur(this, _random.Fork());
        foreach (var founder in founders)
            Add(new MemberId(founder.ID), founders);
        for (var client = 1; client <= Swarm.Clients; client++)
            _clients.Add(new SimulatedClient(this, client, hasSession: client % 2 == 0, _random.Fork()));
        for (var watcher = 1; watcher <= Swarm.Watchers; watcher++)
            _watchers.Add(new SimulatedWatcher(this, watcher, _random.Fork()));
        for (var holder = 1; holder <= Swarm.LeaseHolders; holder++)
            _holders.Add(new LeaseHolder(this, holder, _random.Fork()));
        if (Swarm.Watchers > 0)
            _batches = new BatchWriter(this, _random.Fork());
    }

    /// <summary>What a seed's run is made of.</summary>
    public static Swarm SwarmOf(ulong seed) => Swarm.Draw(new SeededRandom(seed).Fork());

    public long Now { get; private set; }

    public Trace Trace { get; }

    public Swarm Swarm { get; }

    public Parts Parts { get; }

    public SafetyChecker Checker { get; } = new();

    public SimulatedNetwork Network { get; }

    public Administrator Administrator { get; }

    public ClientHistory History { get; }

    public TrueHistory Truth { get; }

    public LeaseChecker Leases { get; }

    /// <summary>Faults are over.</summary>
    public bool IsHealing { get; private set; }

    public IReadOnlyCollection<SimulatedMember> Members => _members.Values;

    public IEnumerable<SimulatedMember> Leaders => _members.Values.Where(member => member.IsLeader);

    public int SyncMilliseconds => IsHealing ? 2 : Swarm.SyncMilliseconds;

    /// <summary>What the run was made of so far.</summary>
    public RunSummary Summary => new()
    {
        SimulatedMilliseconds = Now,
        Elections = Checker.Elections,
        Crashes = _saboteur.Crashes,
        DiskFaults = _saboteur.DiskFaults,
        Pauses = _saboteur.Pauses,
        Lost = Network.Lost,
        Reordered = Network.Reordered,
        Repeated = Network.Repeated,
        Changes = Administrator.Changes,
        Requests = Checker.Answered,
        Events = _watchers.Sum(static watcher => watcher.Told),
        Leases = Leases.Ended,
    };

    /// <summary>Runs the seed to its end.</summary>
    /// <exception cref="SafetyViolationException">A promise was broken, or progress did not come back.</exception>
    public void Run()
    {
        _saboteur.Begin();
        Administrator.Begin();
        _clients.ForEach(static client => client.Begin());
        _watchers.ForEach(static watcher => watcher.Begin());
        _holders.ForEach(static holder => holder.Begin());
        _batches?.Begin();
        RunUntil(() => Now >= Swarm.DurationMilliseconds);
        Heal();
        History.Check();
    }

    /// <summary>Lets something happen so many milliseconds from now; what is due at the same time happens in the order of asking.</summary>
    public void At(long milliseconds, Action happens) => _events.Enqueue(happens, (Now + milliseconds, _order++));

    /// <summary>Goes on, as an event of its own, when a task is done.</summary>
    public void When<T>(Task<T> task, Action<Task<T>> goOn)
    {
        // A task that is done already would hand its continuation to another thread.
        if (task.IsCompleted)
            At(0, () => goOn(task));
        else
            task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() => At(0, () => goOn(task)));
    }

    /// <summary>The member, if it runs.</summary>
    public SimulatedMember? Up(MemberId id) => _members.GetValueOrDefault(id) is { IsUp: true } member ? member : null;

    public SimulatedMember? Find(MemberId id) => _members.GetValueOrDefault(id);

    public void Add(MemberId id, IReadOnlyList<Member>? founders)
    {
        var member = new SimulatedMember(this, id, founders, _random.Fork());
        _members[id] = member;
        member.Start();
    }

    public NodeOptions OptionsOf(SimulatedMember member) => new()
    {
        ClusterId = ClusterId,
        Consensus = new ConsensusOptions
        {
            Id = member.Id,
            Random = member.Random.Below,
            AppendsInFlightMax = Swarm.AppendsInFlightMax,
            AppendBytesMax = Swarm.AppendBytesMax,
            CommittedBytesMax = Swarm.CommittedBytesMax,
            Rules = Parts.Rules,
        },
        NewMemberId = Administrator.NewMemberId,
        UnixTimeMs = member.UnixTimeMs,
        AnswersInline = true,
        SnapshotEntries = Swarm.SnapshotEntries,
        CatchUpEntries = Swarm.CatchUpEntries,
        LeasesEndedPerTick = Swarm.LeasesEndedPerTick,
        Watching = Swarm.Watching,
        LearnersMax = 2,
        CompactionStep = 3,
        KeysPerTurnMax = Swarm.KeysPerTurnMax,
    };

    /// <summary>
    /// Whether a quorum has an entry on its disks. In the midst of a change either of the two configurations may have
    /// committed it: the leader's becomes another only when it applies the change.
    /// </summary>
    public bool IsOnQuorum(EntryId entry) =>
        IsOnQuorum(entry, Administrator.Newest) || IsOnQuorum(entry, Administrator.BeforeNewest);

    private bool IsOnQuorum(EntryId entry, Configuration configuration) =>
        configuration.Voters.Count(voter => Find(voter)?.HoldsDurably(entry) == true) >= configuration.Quorum;

    private void RunUntil(Func<bool> isOver)
    {
        while (!isOver() && _events.TryDequeue(out var happens, out var when))
        {
            Now = when.Time;
            happens();
        }
    }

    /// <summary>
    /// Faults end. Within a bound every client has a request of each kind answered, every watcher was told of everything, the leases
    /// that nobody keeps have ended, every member of the newest configuration has applied all that is committed, and all have the
    /// same state.
    /// </summary>
    private void Heal()
    {
        Trace.Fault(null, $"everything heals");
        IsHealing = true;
        Network.BecomePerfect();
        foreach (var member in _members.Values.ToList())
        {
            member.Heal();
            if (Administrator.IsRemoved(member.Id) && _random.Below(2) == 0)
                member.SwitchOff();
        }

        StartWhoIsDown();
        var bound = Now + HealingMilliseconds;
        RunUntil(() =>
        {
            SafetyChecker.Holds(
                Now < bound,
                "Progress",
                $"{_clients.Count(client => client.IsDone)} of {_clients.Count} clients are served, and the members {Administrator.Newest} "
                + $"have applied {string.Join(' ', Administrator.Newest.Members.Select(id => Find(id)?.Watch.Applied.ToString() ?? "-"))} of {Checker.LastApplied}, "
                + $"{_watchers.Count(static watcher => watcher.IsDone)} of {_watchers.Count} watchers were told of all, {_holders.Count(static holder => holder.IsDone)} of "
                + $"{_holders.Count} holders are served, and {Truth.Leases.Count(IsForgotten)} leases that nobody keeps live on, after {HealingMilliseconds} ms");
            return _clients.TrueForAll(static client => client.IsDone)
                && _batches?.IsDone != false
                && _watchers.TrueForAll(static watcher => watcher.IsDone)
                && _holders.TrueForAll(static holder => holder.IsDone)
                && !Truth.Leases.Any(IsForgotten)
                && Administrator.Newest.Members.All(id => Up(id)?.Watch.Applied == Checker.LastApplied);
        });
        foreach (var id in Administrator.Newest.Members)
            Checker.MustHaveState(id, new EntryId(default, Checker.LastApplied), StateHash.Of(Find(id)!.Store.Present));
    }

    private bool IsForgotten(long lease) => !_holders.Exists(holder => holder.Keeps(lease));

    /// <summary>Also who had still to notice that its disk had failed.</summary>
    private void StartWhoIsDown()
    {
        foreach (var member in _members.Values.Where(static member => member is { IsUp: false, IsBroken: false, IsSwitchedOff: false }).ToList())
            member.Start();
        At(1_000, StartWhoIsDown);
    }
}
