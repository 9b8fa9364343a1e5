using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Raft.Transport;
using Message = Raft.Consensus.Message;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>What the transport hands on, passed to a test.</summary>
internal sealed class Inbox(ISnapshotReceiver snapshots, Action<Message> received) : IPeerInbox
{
    public IReceivedSnapshot? Snapshot { get; private set; }

    public ISnapshotReceiver Snapshots => snapshots;

    public void Receive(Message message) => received(message);

    public void ReceiveSnapshot(Message message, IReceivedSnapshot snapshot) => Snapshot = snapshot;

    public void Unreachable(MemberId member)
    {
    }

    public void ConnectionRefused(MemberId member)
    {
    }

    public void RefusedAsRemoved(MemberId by)
    {
    }

    public bool IsRemoved(MemberId member) => member.Value == 9;

    public Task<ForwardResponse> ForwardAsync(ForwardRequest request, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<LogIndex> ReadIndexAsync(CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<StateHashResponse> StateHashAsync(StateHashRequest request, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public MembersResponse Members() => new();
}
