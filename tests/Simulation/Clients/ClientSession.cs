using Raft.KeyValue;
using Raft.Protocol.V1;

namespace Raft.Simulation.Tests.Clients;

/// <summary>A client's session: the numbers of its requests, one at a time, and what it has the answers to.</summary>
internal sealed class ClientSession
{
    private ulong _id;
    private ulong _sequence;

    public bool IsOpen => _id != 0;

    public void Opened(ulong id) => (_id, _sequence) = (id, 0);

    public void IsGone() => _id = 0;

    /// <summary>The stamp of a new request; those before it are answered, or given up.</summary>
    public SessionStamp Next() => new() { Session = _id, Sequence = ++_sequence, Acknowledged = _sequence - 1 };

    /// <summary>Refusals that say nothing of what earlier attempts did.</summary>
    public static bool LeavesOpen(StoreError error) => error == StoreError.SessionNotFound || error == StoreError.SequenceAcknowledged;
}
