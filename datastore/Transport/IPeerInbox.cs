using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport;

/// <summary>What a member does with what the others send. Called from any thread; must not block.</summary>
public interface IPeerInbox
{
    /// <summary>A message for this member arrived. It may be dropped.</summary>
    void Receive(Message message);

    /// <summary>
    /// A snapshot arrived, complete and durable, with the message that it belongs to. It now belongs to the callee, who installs
    /// or disposes of it.
    /// </summary>
    void ReceiveSnapshot(Message message, IReceivedSnapshot snapshot);

    /// <summary>Where snapshots are taken in.</summary>
    ISnapshotReceiver Snapshots { get; }

    /// <summary>Messages to this member were probably lost.</summary>
    void Unreachable(MemberId member);

    /// <summary>Nothing listens at this member's peer URLs: its machine is there, its process is not.</summary>
    void ConnectionRefused(MemberId member);

    /// <summary>Another member says that this one was removed from the cluster.</summary>
    void RefusedAsRemoved(MemberId by);

    /// <summary>Whether the member was in the cluster once and was removed.</summary>
    bool IsRemoved(MemberId member);

    /// <summary>Carries out a request that a follower forwards.</summary>
    /// <exception cref="RequestRefusedException">The node's refusal.</exception>
    /// <exception cref="CommandRefusedException">The state machine's refusal.</exception>
    Task<ForwardResponse> ForwardAsync(ForwardRequest request, CancellationToken cancellation);

    /// <summary>The index that a linearizable read on a follower must wait for.</summary>
    /// <exception cref="RequestRefusedException">This member does not lead.</exception>
    Task<LogIndex> ReadIndexAsync(CancellationToken cancellation);

    /// <summary>A hash of this member's state, for one who compares it with its own. May take long.</summary>
    Task<StateHashResponse> StateHashAsync(StateHashRequest request, CancellationToken cancellation);

    /// <summary>Who is in the cluster, as this member knows it.</summary>
    MembersResponse Members();
}
