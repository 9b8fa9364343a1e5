using Raft.Consensus;
using Raft.Node.Ports;

namespace Raft.Node;

/// <content>Snapshots to and from other members, and for backups (Raft paper, section 7).</content>
public sealed partial class Node
{
    private readonly Dictionary<MemberId, LogIndex> _snapshotsOnTheWay = [];
    private IReceivedSnapshot? _received;
    private long _snapshotsSent;
    private long _snapshotsInstalled;

    /// <summary>A copy of the state as it is now, for a backup; the caller disposes of it.</summary>
    /// <exception cref="RequestRefusedException">The node has stopped.</exception>
    public Task<IStateSnapshot> TakeSnapshotAsync()
    {
        var taken = new PendingCall<IStateSnapshot>(_options);
        taken.Begin = () => WhenReadyToCopy(error =>
        {
            if (error is null)
            {
                taken.Complete(_ports.State.TakeSnapshot());
            }
            else
            {
                taken.Fail(error);
            }
        });
        _inbox.Post(taken);
        return taken.Answer;
    }

    private void SendMessages(IReadOnlyList<Message> messages)
    {
        if (messages.Count == 0)
        {
            return;
        }

        if (!messages.Any(static message => message.Kind == MessageKind.SnapshotRequest))
        {
            _ports.Peers.Send(messages);
            return;
        }

        _ports.Peers.Send([.. messages.Where(message => message.Kind != MessageKind.SnapshotRequest)]);
        foreach (var message in messages.Where(message => message.Kind == MessageKind.SnapshotRequest))
        {
            WhenReadyToCopy(error => SendSnapshot(message, error));
        }
    }

    /// <summary>
    /// Goes on in a turn, when the state is as far as the applied record says, and flushed: with little left in memory the copy itself is
    /// a matter of milliseconds, and the loop does not stand still.
    /// </summary>
    private void WhenReadyToCopy(Action<Exception?> copy) => AfterFlush(error =>
    {
        if (_applier.HasLong)
        {
            _afterLong.Add(() => WhenReadyToCopy(copy));
        }
        else
        {
            copy(error);
        }
    });

    private void SendSnapshot(Message message, Exception? error)
    {
        if (error is not null)
        {
            throw new IOException("The store could not be flushed for a snapshot.", error);
        }

        if (_consensus.Role != Role.Leader || _consensus.Term != message.Term)
        {
            return;
        }

        // What the store holds at this moment, which may be less than what the core has handed out.
        var record = _applier.Record;
        _snapshotsOnTheWay[message.To] = record.Last.Index;
        _snapshotsSent++;
        _ports.Peers.SendSnapshot(
            message with { Snapshot = new SnapshotMetadata(record.Last, record.Configuration) },
            _ports.State.TakeSnapshot(),
            delivered => _inbox.Post(() => _consensus.SnapshotSent(message.To, delivered)));
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
        LoadLeases();
        Invariant.Holds(
            _applier.Record.Last == snapshot.Last && _applier.Record.Configuration.Equals(snapshot.Configuration),
            $"a snapshot holds what its message says ({snapshot.Last}), but this one holds {_applier.Record.Last}");
        _proposals.SteppedOver(snapshot.Last.Index);
        _compaction.Forgot(snapshot.Last.Index);
        _snapshotsInstalled++;
        MembersChanged();
    }

    /// <summary>A snapshot on its way in is deleted if nobody takes it any more.</summary>
    private sealed class ArrivedSnapshot(Message message, IReceivedSnapshot snapshot) : Input
    {
        internal override void Take(Node node)
        {
            node.ApplyAllThatWaits();
            if (node._applier.HasLong)
            {
                node._afterLong.Add(() => node._inbox.Post(this));
            }
            else
            {
                node.OnSnapshot(message, snapshot);
            }
        }

        internal override void Refuse(NodeError error) => snapshot.Dispose();
    }

    private sealed class ArrivedMessage(Message message) : Input
    {
        internal override void Take(Node node) => node._consensus.Receive(message);
    }
}
