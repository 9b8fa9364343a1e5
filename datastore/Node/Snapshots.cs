using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node;

/// <content>Snapshots to and from other members (Raft paper, section 7).</content>
public sealed partial class Node
{
    private IReceivedSnapshot? _received;

    /// <summary>A copy of the state as it is now, for a backup; the caller disposes of it.</summary>
    public Task<IStateSnapshot> TakeSnapshotAsync()
    {
        var taken = new TaskCompletionSource<IStateSnapshot>(TaskCreationOptions.RunContinuationsAsynchronously);
        _inbox.Post(() => taken.TrySetResult(_ports.State.TakeSnapshot()));
        return taken.Task;
    }

    private void SendMessages(IReadOnlyList<Message> messages)
    {
        if (messages.Count == 0)
        {
            return;
        }

        if (!messages.Any(message => message.Kind == MessageKind.SnapshotRequest))
        {
            _ports.Peers.Send(messages);
            return;
        }

        _ports.Peers.Send([.. messages.Where(message => message.Kind != MessageKind.SnapshotRequest)]);
        foreach (var message in messages.Where(message => message.Kind == MessageKind.SnapshotRequest))
        {
            // What the store holds at this moment, which may be less than what the core has handed out.
            var record = _applier.Record;
            _ports.Peers.SendSnapshot(
                message with { Snapshot = new SnapshotMetadata(record.Last, record.Configuration) },
                _ports.State.TakeSnapshot(),
                delivered => _inbox.Post(() => _consensus.SnapshotSent(message.To, delivered)));
        }
    }

    private void OnSnapshot(Message message, IReceivedSnapshot snapshot)
    {
        using (snapshot)
        {
            _received = snapshot;
            _consensus.Receive(message);
            Work();
            _received = null;
        }
    }

    private void Install(SnapshotMetadata snapshot)
    {
        Invariant.Holds(_received is not null, "a snapshot is installed when its data has arrived");
        _ports.State.Install(_received);
        _applier.Reload();
        Invariant.Holds(
            _applier.Record.Last == snapshot.Last && _applier.Record.Configuration.Equals(snapshot.Configuration),
            $"a snapshot holds what its message says ({snapshot.Last}), but this one holds {_applier.Record.Last}");
        MembersChanged();
    }
}
