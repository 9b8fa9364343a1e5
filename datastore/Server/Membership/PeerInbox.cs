using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Raft.Server.Services;
using Raft.Transport;
using Message = Raft.Consensus.Message;

namespace Raft.Server.Membership;

/// <summary>Takes what the other members send to the node.</summary>
internal sealed class PeerInbox(ulong clusterId, ISnapshotReceiver snapshots, ILogger logger) : IPeerInbox
{
    private Node.Node? _node;

    /// <summary>Members may call from the moment their service is up; before this they are told to try again.</summary>
    public void Open(Node.Node node) => Volatile.Write(ref _node, node);

    public ISnapshotReceiver Snapshots => snapshots;

    public void Receive(Message message) => Volatile.Read(ref _node)?.Receive(message);

    public void ReceiveSnapshot(Message message, IReceivedSnapshot snapshot)
    {
        if (Volatile.Read(ref _node) is { } node)
        {
            node.ReceiveSnapshot(message, snapshot);
        }
        else
        {
            snapshot.Dispose();
        }
    }

    public void Unreachable(MemberId member) => Volatile.Read(ref _node)?.Unreachable(member);

    public void RefusedAsRemoved(MemberId by) => logger.RemovedFromCluster(by.ToString());

    public bool IsRemoved(MemberId member) => Volatile.Read(ref _node)?.IsRemoved(member) ?? false;

    public Task<ForwardResponse> ForwardAsync(ForwardRequest request, CancellationToken cancellation) =>
        Refusals.AsStatusAsync(() => Node.ForwardedAsync(request));

    public async Task<ReadIndexResponse> ReadIndexAsync(ReadIndexRequest request, CancellationToken cancellation) =>
        new() { Index = (await Refusals.AsStatusAsync(Node.ReadIndexAsync)).Value };

    public MembersResponse Members() => new() { ClusterId = clusterId, Members = { Node.Members } };

    private Node.Node Node => Volatile.Read(ref _node) ?? throw Refusals.NotStarted();
}
