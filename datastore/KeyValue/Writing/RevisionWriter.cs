using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Writing;

/// <summary>
/// Writes the changes of one command, all under one main revision; sub revisions order them. The revision comes into being
/// with the first change: a command that changes nothing uses none.
/// </summary>
internal sealed class RevisionWriter(Overlay overlay, ByteArena arena, List<StoreEvent> events, long main, long compacted)
{
    private int _changes;

    public bool HasChanges => _changes > 0;

    /// <summary>The revision that is current for a reader inside the command.</summary>
    public long Current => HasChanges ? main : main - 1;

    /// <summary>Puts a key and gives back its pair before, empty when there was none.</summary>
    public ReadOnlyMemory<byte> Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long lease)
    {
        var newest = NewestKey(key);
        overlay.TryGet(newest.Span, out var replaced);
        var exists = StoredVersion.IsLiving(replaced.Span);
        if (!exists && IsCompacted(replaced.Span)) replaced = default;
        var before = exists ? StoredVersion.PairOf(replaced) : default;
        var old = new StoredPair(before.Span);
        var created = exists ? old.CreateRevision : main;

        var version = NewVersion(key, created, old.Version + 1, value, lease);
        if (old.Lease != lease) Attach(key, old.Lease, lease);
        Record(Event.Types.EventType.Put, key, newest, version, replaced, before);
        return before;
    }

    /// <summary>Deletes a range and gives back the pairs that were there, in key order.</summary>
    public List<ReadOnlyMemory<byte>> Delete(ByteString key, ByteString end)
    {
        var doomed = LivingIn(new KeyRange(key, end));
        for (var at = 0; at < doomed.Count; at++) doomed[at] = Delete(doomed[at]);
        return doomed;
    }

    /// <summary>Deletes one key, if it is there.</summary>
    public void Delete(ReadOnlySpan<byte> key)
    {
        if (PairLookup.TryGetNewestVersion(overlay, key, out var version) && StoredVersion.IsLiving(version.Span)) Delete(version);
    }

    /// <summary>Gives back the pair that was deleted.</summary>
    private ReadOnlyMemory<byte> Delete(ReadOnlyMemory<byte> living)
    {
        var pair = StoredVersion.PairOf(living);
        var old = new StoredPair(pair.Span);
        var tombstone = NewVersion(old.Key, created: 0, version: 0, value: default, lease: 0);
        if (old.Lease != 0) Attach(old.Key, old.Lease, lease: 0);
        var before = old.ModRevision == main ? BeforeRevision(old.Key) : pair;
        Record(Event.Types.EventType.Delete, old.Key, NewestKey(old.Key), tombstone, living, before);
        return pair;
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

    /// <summary>The versions of the keys that are there; collected before anything changes, because a cursor does not bear changes under it.</summary>
    private List<ReadOnlyMemory<byte>> LivingIn(KeyRange range)
    {
        var versions = new List<ReadOnlyMemory<byte>>();
        if (range.IsOneKey)
        {
            if (PairLookup.TryGetNewestVersion(overlay, range.First, out var version) && StoredVersion.IsLiving(version.Span)) versions.Add(version);
            return versions;
        }
        if (range.IsEmpty) return versions;
        using var scan = new VersionScan(overlay, range);
        while (scan.MoveNext())
            if (StoredVersion.IsLiving(scan.Version)) versions.Add(Copy(scan.Version));
        return versions;
    }

    /// <summary>
    /// Does compaction remove this tombstone, or has it? Members differ in how far they have come with it; what they write shall not.
    /// </summary>
    private bool IsCompacted(ReadOnlySpan<byte> tombstone) => !tombstone.IsEmpty && StoredVersion.PositionOf(tombstone).Main < compacted;

    /// <summary>Its pair is written, the rest of it is not yet.</summary>
    private Memory<byte> NewVersion(ReadOnlySpan<byte> key, long created, long version, ReadOnlySpan<byte> value, long lease)
    {
        var encoded = arena.Take(StoredPair.EncodedLength(key, created, main, version, value, lease) + StoredVersion.TrailerLength);
        StoredPair.Encode(encoded.Span, key, created, main, version, value, lease);
        return encoded;
    }

    /// <summary>Makes a version the newest of its key, and the one that it replaces a part of the past.</summary>
    /// <param name="type">What the change does.</param>
    /// <param name="key">The user key.</param>
    /// <param name="newest">Where the key's newest version lies.</param>
    /// <param name="version">The new one.</param>
    /// <param name="replaced">The one before, living or dead; empty: there is none.</param>
    /// <param name="before">The pair that watches are shown as the one before.</param>
    private void Record(
        Event.Types.EventType type, ReadOnlySpan<byte> key, Memory<byte> newest, Memory<byte> version, ReadOnlyMemory<byte> replaced,
        ReadOnlyMemory<byte> before)
    {
        var position = new ChangePosition(main, _changes);
        var age = replaced.IsEmpty ? 0 : StoredVersion.AgeOf(replaced.Span) + 1;
        var isIndexed = age == StoredVersion.IndexInterval;
        if (isIndexed) overlay.Put(KeyLayout.IndexKey(key, position), ReadOnlyMemory<byte>.Empty);
        var isDelete = type == Event.Types.EventType.Delete;
        StoredVersion.WriteTrailer(version.Span, position.Sub, isIndexed ? 0 : age, isTombstone: isDelete);
        overlay.Put(newest, version);

        var place = arena.Take(KeyLayout.ChangeLength);
        KeyLayout.WriteChange(place.Span, position);
        var change = arena.Take(StoredChange.EncodedLength(key, replaced.Span));
        StoredChange.Encode(change.Span, isDelete, isIndexed, key, replaced.Span);
        overlay.Put(place, change);

        events.Add(new StoreEvent(type, main, position.Sub, StoredVersion.PairOf(version), before));
        _changes++;
    }

    /// <summary>Moves a key from one lease to another; 0 is none.</summary>
    private void Attach(ReadOnlySpan<byte> key, long old, long lease)
    {
        if (old != 0) overlay.Delete(KeyLayout.AttachedKey(old, key));
        if (lease != 0) overlay.Put(KeyLayout.AttachedKey(lease, key), ReadOnlyMemory<byte>.Empty);
    }

    private Memory<byte> NewestKey(ReadOnlySpan<byte> key)
    {
        var newest = arena.Take(KeyLayout.NewestLength(key));
        KeyLayout.WriteNewest(newest.Span, key);
        return newest;
    }

    private Memory<byte> Copy(ReadOnlySpan<byte> bytes)
    {
        var copy = arena.Take(bytes.Length);
        bytes.CopyTo(copy.Span);
        return copy;
    }
}
