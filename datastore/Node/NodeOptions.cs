using Raft.Consensus;
using Raft.KeyValue.Watching;
using Raft.Node.Ports;

namespace Raft.Node;

/// <summary>Settings of a node. Times are counted in ticks: the node has no clock.</summary>
public sealed record NodeOptions
{
    /// <summary>The cluster that the member belongs to.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>Identity, timing and limits of the consensus core.</summary>
    public required ConsensusOptions Consensus { get; init; }

    /// <summary>Gives ids for new members; never 0.</summary>
    public required Func<ulong> NewMemberId { get; init; }

    /// <summary>Ticks after which a request without an answer is given up (etcd: 5 s and two election timeouts).</summary>
    public int RequestTicks { get; init; } = 70;

    /// <summary>Milliseconds of a tick: what turns the seconds of a lease into ticks.</summary>
    public long TickMs { get; init; } = 100;

    /// <summary>What the promises about leases rest on; anything but the standard breaks them.</summary>
    public LeaseRules LeaseRules { get; init; } = LeaseRules.Standard;

    /// <summary>Leases whose end a leader proposes at one tick; a crowd that ends together is spread over more.</summary>
    public int LeasesEndedPerTick { get; init; } = 200;

    /// <summary>
    /// Wall-clock time in Unix milliseconds, put into commands that carry none: the only clock the state machine knows. Null:
    /// whoever proposes sets it.
    /// </summary>
    public Func<long>? UnixTimeMs { get; init; }

    /// <summary>
    /// Callers go on inside the turn that answers them, on the loop's thread. For simulators, whose runs must depend on nothing
    /// but their inputs; a server's loop must not wait for its callers.
    /// </summary>
    public bool AnswersInline { get; init; }

    /// <summary>Applied entries after which the state is flushed and the log compacted (etcd: --snapshot-count).</summary>
    public int SnapshotEntries { get; init; } = 10_000;

    /// <summary>Bytes of applied entries after which the state is flushed and the log compacted, whichever comes first.</summary>
    public long SnapshotBytes { get; init; } = 16L * 1024 * 1024;

    /// <summary>
    /// Entries kept when the log is compacted, so that a follower that was away shortly needs no snapshot; fewer if they have
    /// more than half of <see cref="SnapshotBytes"/>.
    /// </summary>
    public int CatchUpEntries { get; init; } = 5_000;

    /// <summary>
    /// How many times <see cref="SnapshotEntries"/> and <see cref="SnapshotBytes"/> the log may hold for the sake of followers
    /// that answer but lag; whoever lags further gets a snapshot.
    /// </summary>
    public int LagFactorMax { get; init; } = 4;

    /// <summary>Requests that may wait at once; more are refused.</summary>
    public int WaitingRequestsMax { get; init; } = 20_000;

    /// <summary>Bytes of requests that may wait at once; more are refused.</summary>
    public long WaitingBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>Learners that may be members at once (etcd: 1).</summary>
    public int LearnersMax { get; init; } = 1;

    /// <summary>Bytes of memory for versions that were written or read lately.</summary>
    public long NewestVersionsBytes { get; init; } = 1024 * 1024;

    /// <summary>Bounds of what watching may take.</summary>
    public WatchLimits Watching { get; init; } = new();

    /// <summary>
    /// Keys that a command may look at and still be applied within a turn. One that looks at more is applied beside the turns: heartbeats
    /// and the log must not stand still because somebody deletes a million keys.
    /// </summary>
    public int KeysPerTurnMax { get; init; } = 1_000;

    /// <summary>Compacted changes that are removed from disk between two turns.</summary>
    public int CompactionStep { get; init; } = 1_000;

    /// <summary>The loop never runs a caller's code, unless it is a simulator's.</summary>
    internal TaskCreationOptions AnswerOptions =>
        AnswersInline ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously;
}

/// <summary>What a node needs of the world.</summary>
/// <param name="Log">The durable log.</param>
/// <param name="State">The ordered store.</param>
/// <param name="Peers">The way to the other members.</param>
/// <param name="Forwarder">Questions to the leader.</param>
/// <param name="Wake">Called, from any thread, when there is something for the loop to do.</param>
/// <param name="RunBeside">
/// Runs what takes long on another thread, one after the other. The state may be closed only when that has ended.
/// </param>
/// <param name="Failed">Called once, from the loop, when the node cannot go on: stop the process.</param>
public sealed record NodePorts(
    IWriteAheadLog Log,
    IStateStore State,
    IPeers Peers,
    IForwarder Forwarder,
    Action Wake,
    Action<Action> RunBeside,
    Action<Exception> Failed);
