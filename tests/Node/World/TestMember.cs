using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node.Ports;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Node.Tests.World;

/// <summary>One member: its disks outlive its node.</summary>
internal sealed class TestMember : IPeers, IForwarder
{
    private readonly TestCluster _cluster;
    private readonly NodeOptions _options;
    private Node? _node;

    public TestMember(TestCluster cluster, NodeOptions options)
    {
        (_cluster, _options) = (cluster, options);
        Id = options.Consensus.Id;
    }

    public MemberId Id { get; }

    public MemoryLog Log { get; } = new();

    public MemoryState State { get; } = new();

    public Exception? Failure { get; private set; }

    /// <summary>Times that it was woken; a burst of inputs should cost one.</summary>
    public int WakeUps { get; private set; }

    /// <summary>If not null, what takes long is put here instead of being run at once.</summary>
    public Queue<Action>? Held { get; set; }

    public bool IsUp => _node is not null;

    public Node Node => _node ?? throw new InvalidOperationException($"Member {Id} is down.");

    public NodeStatus Status => Node.Status;

    /// <summary>Whom the node was last told of.</summary>
    public IReadOnlyDictionary<MemberId, IReadOnlyList<string>> Peers { get; private set; } =
        new Dictionary<MemberId, IReadOnlyList<string>>();

    public void Start(RecoveredLog? log = null) => _node = new Node(
        _options,
        new NodePorts(Log, State, this, this, () => WakeUps++, RunBeside, error => Failure = error),
        log ?? new RecoveredLog(default, EntryId.Zero, []));

    /// <summary>Power is lost: what no disk holds is gone.</summary>
    public RecoveredLog Crash()
    {
        _node = null;
        State.Crash();
        return Log.Crash();
    }

    public void Restart() => Start(Crash());

    public Task<CommandResult> Put(string key, string value) => Node.ProposeAsync(
        new Command { Put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) } });

    /// <summary>What this member's own state says, however old.</summary>
    public string? Get(string key)
    {
        using var view = Node.Store.OpenView();
        return view.Range(new RangeRequest { Key = ByteString.CopyFromUtf8(key) }).Response!.Kvs.SingleOrDefault()?.Value.ToStringUtf8();
    }

    /// <summary>Revision and hash of everything a client can read, all that sessions keep for retries, and all leases.</summary>
    public (long Revision, uint Hash, string Sessions) Fingerprint()
    {
        using var view = Node.Store.OpenView();
        return (view.Revision, view.HashKv(0).Response!.Hash, State.ContentOf("saelL"u8));
    }

    private void RunBeside(Action takesLong)
    {
        if (Held is null)
        {
            takesLong();
        }
        else
        {
            Held.Enqueue(takesLong);
        }
    }

    public void Update(IReadOnlyDictionary<MemberId, IReadOnlyList<string>> peerUrls) => Peers = peerUrls;

    public void Send(IReadOnlyList<Message> messages) => _cluster.Network.Send(messages);

    public void SendSnapshot(Message message, IStateSnapshot snapshot, Action<bool> completed) =>
        _cluster.Network.SendSnapshot(message, (MemoryState.Snapshot)snapshot, completed);

    public Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation) =>
        _cluster.Network.ForwardAsync(Id, leader, request);

    public Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation) =>
        _cluster.Network.ReadIndexAsync(Id, leader);
}
