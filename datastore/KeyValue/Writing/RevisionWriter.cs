using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Writing;

/// <summary>
/// Writes the changes of one command, all under one main revision; sub revisions order them. The revision comes into being
/// with the first change: a command that changes nothing uses none.
/// </summary>
internal sealed class RevisionWriter(Overlay overlay, ByteArena arena, List<StoreEvent> events, long main)
{
    private int _changes;

    public bool HasChanges => _changes > 0;

    /// <summary>The revision that is current for a reader inside the command.</summary>
    public long Current => HasChanges ? main : main - 1;

    /// <summary>Puts a key and gives back its pair before, empty when there was none.</summary>
    public ReadOnlyMemory<byte> Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long lease)
    {
        var living = LivingKey(key);
        var exists = overlay.TryGet(living.Span, out var previous);
        var old = new StoredPair(previous.Span);
        var created = exists ? old.CreateRevision : main;
        var version = old.Version + 1;

        var pair = arena.Take(StoredPair.EncodedLength(key, created, main, version, value, lease));
        StoredPair.Encode(pair.Span, key, created, main, version, value, lease);
        if (exists) KeepAsHistory(old, previous);
        if (old.Lease != lease) Attach(key, old.Lease, lease);
        overlay.Put(living, pair);
        Record(exists ? ChangeKind.Update : ChangeKind.Create, key, pair, previous);
        return previous;
    }

    /// <summary>Deletes a range and gives back the pairs that were there, in key order.</summary>
    public List<ReadOnlyMemory<byte>> Delete(ByteString key, ByteString end)
    {
        var doomed = LivingIn(new KeyRange(key, end));
        foreach (var pair in doomed) Delete(pair);
        return doomed;
    }

    /// <summary>Deletes one key, if it is there.</summary>
    public void Delete(ReadOnlySpan<byte> key)
    {
        if (PairLookup.TryGetNewest(overlay, key, out var pair)) Delete(pair);
    }

    private void Delete(ReadOnlyMemory<byte> pair)
    {
        var old = new StoredPair(pair.Span);
        var tombstone = arena.Take(StoredPair.EncodedLength(old.Key, 0, main, 0, default, 0));
        StoredPair.Encode(tombstone.Span, old.Key, 0, main, 0, default, 0);
        var isOwn = old.ModRevision == main;
        if (isOwn) KeepInItsChange(old, pair);
        else KeepAsHistory(old, pair);
        overlay.Delete(LivingKey(old.Key));
        if (old.Lease != 0) Attach(old.Key, old.Lease, lease: 0);
        Record(ChangeKind.Delete, old.Key, tombstone, isOwn ? BeforeRevision(old.Key) : pair);
    }

    /// <summary>
    /// A key's pair before this revision, empty if there was none: what watches show of a deleted key, also when the revision changed
    /// it before (etcd looks it up at the revision before). Of a created key they show nothing, whatever was deleted before it.
    /// </summary>
    private ReadOnlyMemory<byte> BeforeRevision(ReadOnlySpan<byte> key)
    {
        for (var first = events.Count - _changes; first < events.Count; first++)
            if (events[first].Key.SequenceEqual(key)) return events[first].Previous;
        return default;
    }

    /// <summary>Collected before anything changes, because a cursor does not bear changes under it.</summary>
    private List<ReadOnlyMemory<byte>> LivingIn(KeyRange range)
    {
        var pairs = new List<ReadOnlyMemory<byte>>();
        if (range.IsOneKey)
        {
            if (PairLookup.TryGetNewest(overlay, range.First, out var pair)) pairs.Add(pair);
            return pairs;
        }
        if (range.IsEmpty) return pairs;
        using var scan = new PresentScan(overlay, range);
        while (scan.MoveNext()) pairs.Add(Copy(scan.Pair));
        return pairs;
    }

    /// <summary>
    /// A pair that this very revision wrote has never been visible, so it leaves no history; only watches will hear of it.
    /// (etcd lets a nested transaction delete what its sibling has put.)
    /// </summary>
    private void KeepInItsChange(StoredPair old, ReadOnlyMemory<byte> encoded)
    {
        var put = events.Count - 1;
        while (!events[put].Key.SequenceEqual(old.Key)) put--;
        overlay.Put(KeyLayout.ChangeKey(new(main, events[put].Sub)), KeyLayout.FleetingChange(encoded.Span));
    }

    private void KeepAsHistory(StoredPair old, ReadOnlyMemory<byte> encoded)
    {
        var key = arena.Take(KeyLayout.HistoryLength(old.Key));
        KeyLayout.WriteHistory(key.Span, old.Key, supersededAt: main);
        overlay.Put(key, encoded);
    }

    private void Record(ChangeKind kind, ReadOnlySpan<byte> key, ReadOnlyMemory<byte> pair, ReadOnlyMemory<byte> previous)
    {
        var change = arena.Take(KeyLayout.ChangeLength);
        KeyLayout.WriteChange(change.Span, new(main, _changes));
        var what = arena.Take(1 + key.Length);
        KeyLayout.WriteChanged(what.Span, kind, key);
        overlay.Put(change, what);

        var type = kind == ChangeKind.Delete ? Event.Types.EventType.Delete : Event.Types.EventType.Put;
        events.Add(new StoreEvent(type, main, _changes, pair, previous));
        _changes++;
    }

    /// <summary>Moves a key from one lease to another; 0 is none.</summary>
    private void Attach(ReadOnlySpan<byte> key, long old, long lease)
    {
        if (old != 0) overlay.Delete(KeyLayout.AttachedKey(old, key));
        if (lease != 0) overlay.Put(KeyLayout.AttachedKey(lease, key), ReadOnlyMemory<byte>.Empty);
    }

    private Memory<byte> LivingKey(ReadOnlySpan<byte> key)
    {
        var living = arena.Take(KeyLayout.LivingLength(key));
        KeyLayout.WriteLiving(living.Span, key);
        return living;
    }

    private Memory<byte> Copy(ReadOnlySpan<byte> bytes)
    {
        var copy = arena.Take(bytes.Length);
        bytes.CopyTo(copy.Span);
        return copy;
    }
}
