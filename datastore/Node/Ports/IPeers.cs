using Raft.Consensus;

namespace Raft.Node.Ports;

/// <summary>
/// The way to the other members. Sending never blocks and never fails: what cannot be delivered is lost, as on any network,
/// and Raft sends it again.
/// </summary>
public interface IPeers
{
    /// <summary>Who can be reached where. Replaces what was known; connections to members that are gone are closed.</summary>
    void Update(IReadOnlyDictionary<MemberId, IReadOnlyList<string>> peerUrls);

    /// <summary>Sends messages, in order for each receiver. Overfull queues drop the newest.</summary>
    void Send(IReadOnlyList<Message> messages);

    /// <summary>
    /// Streams a snapshot to a member, then disposes of it. <paramref name="completed"/> is called once, from any thread, with
    /// whether the receiver has all of it.
    /// </summary>
    void SendSnapshot(Message message, IStateSnapshot snapshot, Action<bool> completed);
}
