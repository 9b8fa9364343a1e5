using Raft.Consensus;
using Raft.InMemory;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Disks;
using Raft.Storage.Log;
using Message = Raft.Consensus.Message;

namespace Raft.Simulation.Tests.Members;

/// <summary>
/// One member: the real node over the real log, on a disk, a clock and a network that are simulated. It may die at any step;
/// its disks outlive it.
/// </summary>
internal sealed partial class SimulatedMember
{
    /// <summary>Milliseconds between the ticks of the fastest clock.</summary>
    public const int FastestTickMilliseconds = 90;

    /// <summary>Longest time for which a command is applied beside the turns, in simulated milliseconds.</summary>
    private const int LongestCommandMs = 300;

    private const int EpochSeconds = 1_700_000_000;

    private readonly Simulator _simulator;
    private LogImage _promised = new(new RecoveredLog(default, EntryId.Zero, []));
    private Exception? _failure;
    private long _pausedUntil;
    private bool _isTurnDue;
    private bool _isDispatchDue;
    private bool _isPollDue;
    private bool _isCatchUpDue;
    private bool _isAnnouncing;
    private int _stepsUntilDeath = int.MaxValue;

    /// <summary>A member with an empty disk, or, given who they are, one of the founders.</summary>
    public SimulatedMember(Simulator simulator, MemberId id, IReadOnlyList<Member>? founders, SeededRandom random)
    {
        _simulator = simulator;
        Random = random;
        Id = id;
        Watch = new MemberWatch(simulator, this);
        TickMilliseconds = random.Between(FastestTickMilliseconds, 110);
        simulator.Trace.Joins(id);
        SegmentedLog.Create(Disk, LogOptions, Identity);
        if (founders is not null)
            InitialState.WriteAsync(Store, founders).GetAwaiter().GetResult();
        Store.OnStep = MayDie;
        Store.OnApplied = Watch.Applies;
        Store.OnInstalled = Watch.Installs;
        Store.Later = done => After(Random.Below(SyncMilliseconds() + 1), done);
    }

    public MemberId Id { get; }

    public SeededRandom Random { get; }

    public MemberWatch Watch { get; }

    public InMemoryDisk Disk { get; private set; } = new();

    public SimulatedStore Store { get; } = new();

    /// <summary>Null while it is down.</summary>
    public SimulatedLog? Log { get; private set; }

    /// <summary>Null while it is down.</summary>
    public Node.Node? Node { get; private set; }

    public bool IsUp => Node is not null;

    /// <summary>Its log is damaged: it refuses to start, for good, and has to be replaced.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>It was removed, and nobody will start it again.</summary>
    public bool IsSwitchedOff { get; private set; }

    /// <summary>How many times it was started or stopped.</summary>
    public int Incarnation { get; private set; }

    /// <summary>Clocks drift: no two members tick at the same pace.</summary>
    public int TickMilliseconds { get; }

    /// <summary>Wall clocks are wrong, and jump.</summary>
    public long ClockOffsetMs { get; set; }

    /// <summary>A disk that is slow beyond reason until then.</summary>
    public long DiskStallsUntil { get; set; }

    public bool IsLeader => Node?.Status.IsLeader == true;

    private LogOptions LogOptions => new() { SegmentBytes = _simulator.Swarm.SegmentBytes, FrameBytesMax = 4096, ZeroAhead = _simulator.Swarm.ZeroAhead };

    /// <summary>What is durable of its log, whether it runs or not.</summary>
    private LogImage Durable => Log?.Durable ?? _promised;

    private LogIdentity Identity => new(Simulator.ClusterId, Id);

    /// <summary>Whether an entry, or what it did, is there after any crash: in the log or, from a snapshot, in the state.</summary>
    public bool HoldsDurably(EntryId entry) => Durable.Holds(entry) || entry.Index <= Store.DurablyApplied;

    public void Start()
    {
        Incarnation++;
        (_isTurnDue, _isDispatchDue, _isPollDue, _isCatchUpDue) = (false, false, false, false);
        (_isAnnouncing, _pausedUntil, _failure) = (false, 0, null);
        var incarnation = Incarnation;
        OnDisk(() =>
        {
            var (log, recovered) = SegmentedLog.Open(_simulator.Parts.Disk(Disk), LogOptions, Identity);
            recovered = _simulator.Parts.Recovered(recovered);
            MemberWatch.Recovers(Id, _promised, recovered);
            Log = new SimulatedLog(this, log, new LogImage(recovered));
            Watch.Starts(recovered);
            var node = Build(Log, recovered);
            Watch.Started(node.Status.Consensus);
            _simulator.Trace.Starts(Id, $"{Id} starts, {recovered.HardState}, log {recovered.Base}..{node.Status.Consensus.Last}, applied {node.Status.Consensus.Applied}");
            Node = node;
            node.Watches.Wake = () => DispatchSoon(incarnation);
            node.Watches.WakeReader = () => CatchUpSoon(incarnation);
        });
        if (Node is null)
            return;
        WorkSoon();
        After(Random.Between(1, TickMilliseconds), Tick);
    }

    private Node.Node Build(SimulatedLog log, RecoveredLog recovered)
    {
        var incarnation = Incarnation;
        var ports = new NodePorts(
            _simulator.Parts.Log(log), _simulator.Parts.Store(Store), this, _simulator.Parts.Forwarder(this), () => Wake(incarnation),
            takesLong => After(Random.Between(1, LongestCommandMs), takesLong), error => _failure = error);
        try
        {
            return new Node.Node(_simulator.Parts.Options(_simulator.OptionsOf(this)), ports, recovered);
        }
        catch (InvariantViolationException error)
        {
            throw new SafetyViolationException($"Stopped: {Id}: {error.Message}", Id, error);
        }
    }

    /// <summary>Stops it at once: with the power, or only the process, which leaves what the kernel has.</summary>
    public void Crash(string why)
    {
        _simulator.Trace.Stops(Id, $"{Id} {why}, {Log?.WritesUnderWay ?? 0} writes under way");
        _simulator.Network.Ends(Id, Incarnation);
        _promised = Durable;
        (Node, Log) = (null, null);
        Incarnation++;
        _stepsUntilDeath = int.MaxValue;
        Disk.OnOperation = static () => { };
        Disk = Random.Below(3) == 0 ? Disk.Copy() : Disk.Crash(Random.Below);
        Store.Crash(Random);
    }

    /// <summary>Stops it for good.</summary>
    public void SwitchOff()
    {
        IsSwitchedOff = true;
        if (IsUp)
            Crash("is switched off");
    }

    /// <summary>Stops it in its tracks for a while, as SIGSTOP does; what arrives meanwhile waits.</summary>
    public void Pause(int milliseconds)
    {
        _simulator.Trace.Fault(Id, $"{Id} is paused for {milliseconds} ms");
        _pausedUntil = Math.Max(_pausedUntil, _simulator.Now + milliseconds);
    }

    /// <summary>It dies so many steps from now, wherever that is.</summary>
    public void DieAfter(int steps) => _stepsUntilDeath = steps;

    /// <summary>Its disk is well again, and it does not die any more.</summary>
    public void Heal()
    {
        (_stepsUntilDeath, _pausedUntil, DiskStallsUntil) = (int.MaxValue, 0, 0);
        (Disk.OperationsUntilFailure, Disk.CapacityBytes) = (int.MaxValue, long.MaxValue);
    }

    /// <summary>Called at every step that touches the world.</summary>
    public void MayDie()
    {
        if (_stepsUntilDeath-- <= 0)
            throw new PowerLostException();
    }

    /// <summary>Runs something later, unless the member was stopped meanwhile.</summary>
    public void After(int milliseconds, Action happens)
    {
        var incarnation = Incarnation;
        _simulator.At(milliseconds, () => Happens(incarnation, happens));
    }

    public void Receive(Message message)
    {
        Watch.Hears(message.From);
        Node!.Receive(message);
    }

    public long UnixTimeMs() => (EpochSeconds * 1000L) + _simulator.Now + ClockOffsetMs;

    private void Happens(int incarnation, Action happens)
    {
        if (incarnation != Incarnation)
            return;
        if (_simulator.Now < _pausedUntil)
            _simulator.At(_pausedUntil - _simulator.Now, () => Happens(incarnation, happens));
        else
            happens();
    }

    /// <summary>An answer may still reach a node that is dead.</summary>
    private void Wake(int incarnation)
    {
        if (incarnation == Incarnation)
            WorkSoon();
    }

    private void WorkSoon()
    {
        if (_isTurnDue)
            return;
        _isTurnDue = true;
        After(Random.Below(4), () =>
        {
            _isTurnDue = false;
            Work();
        });
    }

    private void PollSoon()
    {
        if (_isPollDue)
            return;
        _isPollDue = true;
        After(Random.Between(1, 5), () =>
        {
            _isPollDue = false;
            Node!.Poll();
        });
    }

    private void Tick()
    {
        Node!.Tick();
        Watch.Ticks();
        Announce();
        After(TickMilliseconds, Tick);
    }

    /// <summary>A member that the cluster does not know by name tells it, as the server does after its start.</summary>
    private void Announce()
    {
        if (_isAnnouncing || Node!.Members.FirstOrDefault(member => member.ID == Id.Value) is not { Name.Length: 0 })
            return;
        _isAnnouncing = true;
        var attributes = new MemberAttributes { MemberId = Id.Value, Name = $"m{Id}" };
        _simulator.When(Node.ProposeAsync(new Command { MemberAttributes = attributes }), _ => _isAnnouncing = false);
    }

    private void Work()
    {
        while (Node!.RunTurn())
        {
        }

        switch (_failure)
        {
            case null:
                if (Node.WantsPolls)
                    PollSoon();
                Watch.Observe(Node.Status);
                _simulator.Trace.Is(Node.Status.Consensus);
                break;
            case PowerLostException:
                Crash("loses power");
                break;
            case IOException error when error.InnerException is not null:
                Crash($"stops: {error.Message}");
                break;
            case SafetyViolationException violation:
                throw new SafetyViolationException(violation.Message, violation.Member ?? Id, violation);
            default:
                throw new SafetyViolationException($"Stopped: {Id}: {_failure.Message}", Id, _failure);
        }
    }
}
