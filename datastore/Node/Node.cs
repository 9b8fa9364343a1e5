using Raft.Consensus;
using Raft.KeyValue;
using Raft.KeyValue.Watching;
using Raft.Node.Ports;
using Raft.Protocol.Etcd;

namespace Raft.Node;

/// <summary>
/// One member: the loop that joins consensus, log and state machine. It owns no thread, no timer and no clock: whoever runs it
/// calls <see cref="RunTurn"/> when woken, and <see cref="Tick"/> at a steady pace. All else may be called from any thread and
/// only leaves an input for the next turn.
/// </summary>
/// <remarks>
/// A write goes: ProposeAsync → <see cref="Inbox"/> → consensus (all that waits becomes one append) → log and peers at once →
/// quorum → <see cref="Applier"/> (one batch) → answer.
/// </remarks>
public sealed partial class Node
{
    private const int InputsPerTurnMax = 10_000;
    private const int BytesPerTurnMax = 4 * 1024 * 1024;
    private const int QuietRequestsMax = 2;

    private readonly NodeOptions _options;
    private readonly NodePorts _ports;
    private readonly Inbox _inbox;
    private readonly ConsensusModule _consensus;
    private readonly MembershipDirectory _directory = new();
    private readonly MembershipRules _rules;
    private readonly Applier _applier;
    private readonly Admission _admission;
    private readonly Deadlines _deadlines = new();
    private readonly ProposalQueue _proposals = new();
    private readonly ReadBarrier _reads;
    private readonly List<PendingCall<bool>> _compactionWaits = [];
    private NodeStatus _status;
    private Exception? _failure;
    private MemberId _lastLeader;
    private long _leaderChanges;
    private long _lateTicks;
    private long _ticksTaken;

    // Entries that were applied together last, of late.
    private volatile int _lastBatch;
    private long _tick;

    /// <summary>Puts log and state together and becomes a follower. The first turn may run at once.</summary>
    /// <exception cref="InvariantViolationException">Log and state contradict each other; nothing was changed.</exception>
    public Node(NodeOptions options, NodePorts ports, RecoveredLog log)
    {
        _options = options;
        _ports = ports;
        _inbox = new Inbox(ports.Wake);
        _admission = new Admission(options.WaitingRequestsMax, options.WaitingBytesMax);
        _compaction = new LogCompactionPolicy(options);
        Store = new KeyValueStore(ports.State, options.NewestVersionsBytes);
        _leases = new LeaseDeadlines(options.TickMs, options.LeaseRules);
        Watches = new WatchHub(Store, options.Watching);
        _applier = new Applier(Store, _directory, Watches, options.KeysPerTurnMax);
        LoadLeases();
        var recovery = Recovery.Combine(log, _applier.Record);
        _consensus = new ConsensusModule(options.Consensus, recovery.State);
        _rules = new MembershipRules(options, _directory);
        _reads = new ReadBarrier(_consensus, ports.Forwarder, _inbox);
        _compaction.Applied([.. recovery.State.Entries.TakeWhile(entry => entry.Id.Index <= recovery.State.Applied)]);
        if (recovery.MustResetLog)
        {
            var state = recovery.State;
            ports.Log.Append(new LogWrite(0, state.HardState, [], state.Base), LogWritten);
        }

        MembersChanged();
        _status = LookAround();
    }

    /// <summary>The state machine: any thread may read it through views.</summary>
    public KeyValueStore Store { get; }

    /// <summary>Who watches the state machine; whoever runs the node dispatches what the hub has to tell.</summary>
    public WatchHub Watches { get; }

    /// <summary>The node as it was at the end of the last turn.</summary>
    public NodeStatus Status => Volatile.Read(ref _status);

    /// <summary>Whether hardly anybody waits for an answer, here or at the leader that this member follows. From any thread.</summary>
    public bool IsQuiet => _admission.Requests <= QuietRequestsMax && _lastBatch <= QuietRequestsMax;

    /// <summary>Whether a member was in the cluster once and was removed.</summary>
    public bool IsRemoved(MemberId member) => _directory.Removed.Contains(member.Value);

    /// <summary>
    /// The members as this member knows them: after a read barrier, or a change that was answered, no older than that.
    /// </summary>
    public IReadOnlyList<Member> Members => _directory.List;

    /// <summary>A tick of the logical clock.</summary>
    public void Tick() => _inbox.Post(OnTick);

    /// <summary>A message from another member.</summary>
    public void Receive(Message message) => _inbox.Post(new ArrivedMessage(message));

    /// <summary>A snapshot from the leader, complete and durable beside the present state. The node disposes of it.</summary>
    public void ReceiveSnapshot(Message message, IReceivedSnapshot snapshot) => _inbox.Post(new ArrivedSnapshot(message, snapshot));

    /// <summary>Messages to this member were probably lost.</summary>
    public void Unreachable(MemberId member) => _inbox.Post(() => _consensus.Unreachable(member));

    /// <summary>Nothing listens any more where this member did.</summary>
    public void ConnectionRefused(MemberId member) => _inbox.Post(() => _consensus.ConnectionRefused(member));

    /// <summary>Campaigns without waiting for the election timeout: the first member of a new cluster need not wait.</summary>
    public void Campaign() => _inbox.Post(_consensus.Campaign);

    /// <summary>
    /// Does what there is to do. Called by one thread at a time, again and again until there was nothing: only then does the
    /// next input wake the loop.
    /// </summary>
    /// <returns>Whether there was anything.</returns>
    public bool RunTurn()
    {
        if (_failure is not null)
        {
            return false;
        }

        try
        {
            _ticksTaken = 0;
            _hasAppliedWhatWaited = false;
            var hadInput = _inbox.Drain(this, InputsPerTurnMax, BytesPerTurnMax);
            _lateTicks += Math.Max(0, _ticksTaken - 1);
            _reads.Ask();
            var hadOutput = Work();
            if (hadInput || hadOutput)
            {
                EndTurn();
            }

            return hadInput || hadOutput;
        }
        catch (Exception error)
        {
            Fail(error);
            return false;
        }
    }

    private bool Work()
    {
        PaceCommitNotices();
        var worked = false;
        while (_consensus.HasOutput || ApplyWhatWaited())
        {
            worked = true;
            Carry(_consensus.TakeOutput());
            PaceCommitNotices();
        }

        return worked;
    }

    /// <summary>Carries out what the core wants. Messages first: they travel while the disk works.</summary>
    private void Carry(Output output)
    {
        SendMessages(output.Messages);
        if (output.InstallSnapshot is { } snapshot)
        {
            Install(snapshot);
        }

        if (output.PersistSequence > 0)
        {
            _writesThisTick++;
            _ports.Log.Append(
                new LogWrite(output.PersistSequence, output.HardState, output.Entries, output.InstallSnapshot?.Last), LogWritten);
        }

        if (output.Committed.Count > 0)
        {
            Apply(output.Committed, output.PersistSequence);
        }

        foreach (var read in output.ReleasedReads)
        {
            _reads.Released(read);
        }

        foreach (var context in output.DroppedReads)
        {
            _reads.Dropped(context);
        }

        AnswerWhatIsApplied();
    }

    private void AnswerWhatIsApplied()
    {
        var applied = _applier.Record.Last.Index;
        _reads.Applied(applied);
        CompleteForwarded(applied);
    }

    private void EndTurn()
    {
        AnswerWhatIsApplied();
        WatchOverLeases();
        if (_consensus.Leader != _lastLeader)
        {
            _leaderChanges += _consensus.Leader == MemberId.None ? 0 : 1;
            _lastLeader = _consensus.Leader;
            SubmitWaiting();
            Work();
        }

        CompleteTransfers();
        _applier.CompactStep(_options.CompactionStep);
        if (_compactionWaits.Count > 0 && !Store.HasCompactionWork)
        {
            _compactionWaits.ForEach(static wait => wait.Complete(true));
            _compactionWaits.Clear();
        }

        Volatile.Write(ref _status, LookAround());
        if (Store.HasCompactionWork && !_applier.HasLong)
        {
            _inbox.Post(static () => { });
        }
    }

    private void OnTick()
    {
        _tick++;
        _ticksTaken++;
        NoticeThePace();
        _lastBatch = 0;
        _consensus.Tick();
        var expired = _deadlines.Expired;
        _deadlines.Pass(_tick, _consensus.Term);
        if (_deadlines.Expired > expired)
        {
            _proposals.Sweep();
        }

        _reads.Tick();
        SubmitWaiting();
        WatchOverLeases();
        EndLeases();
    }

    private void LogWritten(LogWrite write, Exception? error) => _inbox.Post(() =>
    {
        if (error is not null)
        {
            // What the disk did not take it may never take: going on would acknowledge what is not durable.
            throw new IOException("The write-ahead log failed; the member stops so that it promises nothing it cannot keep.", error);
        }

        if (write.Sequence > 0)
        {
            _written = write.Sequence;
            _consensus.Persisted(write.Sequence);
        }
    });

    private void MembersChanged() => _ports.Peers.Update(_directory.PeerUrls);

    private void Fail(Exception error)
    {
        _failure = error;
        _inbox.Close(NodeError.Stopped);
        _deadlines.RefuseAll(NodeError.Stopped);
        _ports.Failed(error);
    }

    private NodeStatus LookAround() => new()
    {
        Consensus = _consensus.Status,
        Members = _directory.List,
        PendingProposals = _proposals.InLog,
        IsRemoved = IsRemoved(_consensus.Id),
        Counters = new NodeCounters
        {
            LeaderChanges = _leaderChanges,
            ProposalsFailed = _proposals.Failed,
            RequestsExpired = _deadlines.Expired,
            Reads = _reads.Count,
            Compactions = _compactions,
            SnapshotsSent = _snapshotsSent,
            SnapshotsInstalled = _snapshotsInstalled,
            SlowApplies = _slowApplies,
            LateTicks = _lateTicks,
        },
    };
}
