using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport;

/// <summary>
/// The inbox of a real node. Made before the node, which needs the transport, which needs an inbox; until the node is there,
/// messages are lost, as on any network.
/// </summary>
/// <param name="clusterId">The cluster.</param>
/// <param name="snapshots">Where snapshots are taken in.</param>
/// <param name="refusedAsRemoved">Called when another member says that this one was removed.</param>
public sealed class NodeInbox(ulong clusterId, ISnapshotReceiver snapshots, Action<MemberId> refusedAsRemoved) : IPeerInbox
{
    private volatile Node.Node? _node;
    private int _isToldRemoved;

    /// <inheritdoc/>
    public ISnapshotReceiver Snapshots => snapshots;

    /// <summary>Answers members that compare their state with this one's. Until it is set, they are told to ask later.</summary>
    public Func<StateHashRequest, CancellationToken, Task<StateHashResponse>>? Hash { get; set; }

    /// <summary>The node is there.</summary>
    public void Bind(Node.Node node) => _node = node;

    /// <inheritdoc/>
    public void Receive(Message message) => _node?.Receive(message);

    /// <inheritdoc/>
    public void ReceiveSnapshot(Message message, IReceivedSnapshot snapshot)
    {
        if (_node is { } node)
        {
            node.ReceiveSnapshot(message, snapshot);
        }
        else
        {
            snapshot.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Unreachable(MemberId member) => _node?.Unreachable(member);

    /// <inheritdoc/>
    public void ConnectionRefused(MemberId member) => _node?.ConnectionRefused(member);

    /// <inheritdoc/>
    /// <remarks>The first one is enough: they will all say so, again and again.</remarks>
    public void RefusedAsRemoved(MemberId by)
    {
        if (Interlocked.Exchange(ref _isToldRemoved, 1) == 0)
        {
            refusedAsRemoved(by);
        }
    }

    /// <inheritdoc/>
    public bool IsRemoved(MemberId member) => _node?.IsRemoved(member) ?? false;

    /// <inheritdoc/>
    public Task<ForwardResponse> ForwardAsync(ForwardRequest request, CancellationToken cancellation) => Require().ForwardedAsync(request);

    /// <inheritdoc/>
    public Task<LogIndex> ReadIndexAsync(CancellationToken cancellation) => Require().ReadIndexAsync();

    /// <inheritdoc/>
    public Task<StateHashResponse> StateHashAsync(StateHashRequest request, CancellationToken cancellation) =>
        Hash?.Invoke(request, cancellation)
        ?? throw new Grpc.Core.RpcException(new(Grpc.Core.StatusCode.Unavailable, "this member is only just starting"));

    /// <inheritdoc/>
    public MembersResponse Members() => new() { ClusterId = clusterId, Members = { _node?.Members ?? [] } };

    private Node.Node Require() => _node ?? throw new RequestRefusedException(NodeError.NotLeader, surelyNotDone: true);
}
