using Raft.Consensus;
using Raft.InMemory;
using Raft.KeyValue;
using Raft.KeyValue.Leases;
using Raft.Protocol.V1;

namespace Raft.Simulation.Tests.Checks;

/// <summary>
/// All that ever happened to keys and leases, in order: a state machine that never crashes applies each entry as soon as any member
/// has applied it. What watchers are told is held against it.
/// </summary>
/// <param name="leaseEnded">Called with a lease when it has ended.</param>
#pragma warning disable CA1001 // The store lies over memory: there is nothing to close.
internal sealed class TrueHistory(Action<long> leaseEnded)
#pragma warning restore CA1001
{
    /// <summary>What the keys begin with whose history the checkers of linearizability see.</summary>
    private const byte Checked = (byte)'k';

    private readonly KeyValueStore _store = new(new InMemoryOrderedStore());
    private readonly List<StoreEvent> _events = [];
    private readonly List<long> _others = [];
    private readonly HashSet<long> _leases = [];

    /// <summary>Every change of a key, in order.</summary>
    public IReadOnlyList<StoreEvent> Events => _events;

    public long Revision => _store.Revision;

    public long CompactedRevision => _store.CompactedRevision;

    /// <summary>The leases that exist.</summary>
    public IReadOnlyCollection<long> Leases => _leases;

    /// <summary>The next entry, when the first member has applied it.</summary>
    public void Apply(LogEntry entry)
    {
        if (entry.Kind != EntryKind.Command || entry.Data.IsEmpty)
            return;
        var command = Command.Parser.ParseFrom(entry.Data.Span);
        if (!StoreTransaction.Understands(command))
            return;
        var transaction = _store.Begin();
        transaction.Apply(command);
        transaction.Commit();
        _events.AddRange(transaction.Events);
        if (transaction.Events.Count > 0 && transaction.Events[0].Key[0] != Checked)
            _others.Add(_store.Revision);
        foreach (var change in transaction.LeaseChanges)
            Apply(change);
    }

    /// <summary>
    /// What a revision would be if nobody had changed any but the checked keys: the order of what the checkers see is the same,
    /// and no revision is left without a write that they know.
    /// </summary>
    public long AsIfAlone(long revision)
    {
        var place = _others.BinarySearch(revision);
        return revision - (place >= 0 ? place + 1 : ~place);
    }

    /// <summary>Where in <see cref="Events"/> a revision begins, or would.</summary>
    public int PlaceOf(long revision)
    {
        var (from, until) = (0, _events.Count);
        while (from < until)
        {
            var middle = (from + until) / 2;
            if (_events[middle].Revision < revision)
                from = middle + 1;
            else
                until = middle;
        }

        return from;
    }

    private void Apply(LeaseChange change)
    {
        if (change.IsGranted)
        {
            _leases.Add(change.Lease.Id);
        }
        else
        {
            _leases.Remove(change.Lease.Id);
            leaseEnded(change.Lease.Id);
        }
    }
}
