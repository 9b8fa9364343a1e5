using System.Buffers.Binary;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;

namespace Raft.KeyValue.Reading;

/// <summary>
/// The newest versions of keys that were written or read lately, in memory, in a bounded number of bytes: finding one here costs
/// a tenth of finding it in the ordered store, and every put looks for the one that it replaces. From any thread; one of them
/// commits.
/// </summary>
/// <remarks>
/// Readers look at the past, at a view of some revision, while the writer goes on. Three rules keep them apart:
/// <list type="number">
/// <item>What is about to be committed is here before it is in the ordered store: a view that shows the commit finds nothing older.</item>
/// <item>Each version is kept with the revision since which it is known to be the newest; an older view does not see it.</item>
/// <item>What a reader found is taken only if nothing that shares its place was committed since its view (<see cref="Shard"/>).</item>
/// </list>
/// That a key is not there is not remembered: compaction takes tombstones away without a new revision, and a view from before it must
/// still find the past of such a key.
/// </remarks>
internal sealed class VersionCache
{
    private const int ShardsMax = 64;
    private const int ShardBytesMin = 64 * 1024;

    private readonly Shard[] _shards;

    // Views of a later revision show a content that has not come through here: a snapshot is being installed.
    private long _revision;

    /// <param name="bytes">What it may take up, about.</param>
    /// <param name="revision">The revision of the content that it begins with.</param>
    public VersionCache(long bytes, long revision)
    {
        var shards = (int)Math.Clamp(bytes / ShardBytesMin, 1, ShardsMax);
        _shards = [.. Enumerable.Range(0, shards).Select(_ => new Shard((int)Math.Clamp(bytes / shards, ShardBytesMin, 1 << 30)))];
        Reset(revision);
    }

    /// <summary>Only the newest versions are kept here.</summary>
    public static bool Holds(ReadOnlySpan<byte> key) => key.Length > 0 && key[0] == KeyLayout.Newest;

    /// <summary>Looks for a key's newest version as a view of a revision shows it.</summary>
    /// <param name="key">As it lies in the ordered store.</param>
    /// <param name="revision">The view's.</param>
    /// <returns>A copy of it; null: it is not known here.</returns>
    public byte[]? Get(ReadOnlySpan<byte> key, long revision)
    {
        var hash = HashOf(key);
        return revision <= Volatile.Read(ref _revision) ? ShardOf(hash).Get(hash, key, revision) : null;
    }

    /// <summary>What a reader found at its view.</summary>
    public void Found(ReadOnlySpan<byte> key, long revision, ReadOnlySpan<byte> version)
    {
        var hash = HashOf(key);
        if (revision <= Volatile.Read(ref _revision)) ShardOf(hash).Found(hash, key, revision, version);
    }

    /// <summary>What is about to be committed, and the revision that it leads to. Called before the ordered store has it.</summary>
    public void Committing(OrderedBatch batch, long revision)
    {
        foreach (var (kind, key, value) in batch.Span)
        {
            if (!Holds(key.Span)) continue;
            var hash = HashOf(key.Span);
            if (kind == OrderedWriteKind.Put) ShardOf(hash).Committing(hash, key.Span, revision, value.Span);
            else ShardOf(hash).Forgetting(hash, key.Span, revision);
        }
        Volatile.Write(ref _revision, revision);
    }

    /// <summary>The ordered store's content was replaced: forgets everything.</summary>
    public void Reset(long revision)
    {
        foreach (var shard in _shards) shard.Reset(revision);
        Volatile.Write(ref _revision, revision);
    }

    /// <summary>The same in every process, so that what is forgotten, and when, can be had again: the simulator replays it.</summary>
    private static int HashOf(ReadOnlySpan<byte> key)
    {
        var checksum = new Crc32C();
        checksum.Append(key);
        return (int)checksum.Value;
    }

    private Shard ShardOf(int hash) => _shards[(uint)hash % (uint)_shards.Length];

    /// <summary>
    /// A part of the keys, by their hash: a ring of bytes in which the newest entry overwrites the oldest, and a table of where the
    /// newest entry of each bucket begins; each entry says where the next of its bucket does. Places count on for ever, so an
    /// entry that was overwritten is known by its place.
    /// </summary>
    private sealed class Shard(int bytes)
    {
        private const int BytesPerBucket = 128;

        // Of an entry's head; key and version follow.
        private const int NextAt = 0;
        private const int SinceAt = 8;
        private const int HashAt = 16;
        private const int KeyLengthAt = 20;
        private const int VersionLengthAt = 24;
        private const int HeadBytes = 28;

        private const long Nowhere = -1;

        private readonly Lock _gate = new();
        private byte[] _ring = [];
        private long[] _buckets = [];
        private long _end;
        private long _lastCommit;

        public byte[]? Get(int hash, ReadOnlySpan<byte> key, long revision)
        {
            lock (_gate)
            {
                if (!Find(hash, key, out var place, out _)) return null;
                var entry = Entry(place);
                return Number(entry, SinceAt) > revision ? null : entry.Slice(HeadBytes + key.Length, Int(entry, VersionLengthAt)).ToArray();
            }
        }

        /// <summary>A commit after the reader's view may have been of this very key, and have been overwritten here since.</summary>
        public void Found(int hash, ReadOnlySpan<byte> key, long revision, ReadOnlySpan<byte> version)
        {
            lock (_gate)
            {
                if (_lastCommit <= revision) Set(hash, key, revision, version);
            }
        }

        public void Committing(int hash, ReadOnlySpan<byte> key, long revision, ReadOnlySpan<byte> version)
        {
            lock (_gate)
            {
                _lastCommit = revision;
                Set(hash, key, revision, version);
            }
        }

        public void Forgetting(int hash, ReadOnlySpan<byte> key, long revision)
        {
            lock (_gate)
            {
                _lastCommit = revision;
                if (Find(hash, key, out var place, out var before)) Unlink(hash, place, before);
            }
        }

        public void Reset(long revision)
        {
            lock (_gate)
            {
                (_end, _lastCommit) = (0, revision);
                Array.Fill(_buckets, Nowhere);
            }
        }

        private void Set(int hash, ReadOnlySpan<byte> key, long since, ReadOnlySpan<byte> version)
        {
            if (Find(hash, key, out var place, out var before))
            {
                var known = Entry(place);
                if (Int(known, VersionLengthAt) == version.Length)
                {
                    BinaryPrimitives.WriteInt64LittleEndian(known[SinceAt..], since);
                    version.CopyTo(known[(HeadBytes + key.Length)..]);
                    return;
                }
                Unlink(hash, place, before);
            }
            var length = HeadBytes + key.Length + version.Length;
            if (length > bytes / 8) return;
            Add(length, hash, key, since, version);
        }

        private void Add(int length, int hash, ReadOnlySpan<byte> key, long since, ReadOnlySpan<byte> version)
        {
            if (_ring.Length == 0)
            {
                _ring = GC.AllocateUninitializedArray<byte>(bytes);
                _buckets = new long[bytes / BytesPerBucket];
                Array.Fill(_buckets, Nowhere);
            }
            var untilEnd = bytes - (int)(_end % bytes);
            if (untilEnd < length) _end += untilEnd;
            var place = _end;
            _end += length;

            var entry = Entry(place);
            BinaryPrimitives.WriteInt64LittleEndian(entry[NextAt..], Bucket(hash));
            BinaryPrimitives.WriteInt64LittleEndian(entry[SinceAt..], since);
            BinaryPrimitives.WriteInt32LittleEndian(entry[HashAt..], hash);
            BinaryPrimitives.WriteInt32LittleEndian(entry[KeyLengthAt..], key.Length);
            BinaryPrimitives.WriteInt32LittleEndian(entry[VersionLengthAt..], version.Length);
            key.CopyTo(entry[HeadBytes..]);
            version.CopyTo(entry[(HeadBytes + key.Length)..]);
            Bucket(hash) = place;
        }

        /// <param name="hash">The key's.</param>
        /// <param name="key">What to look for.</param>
        /// <param name="place">Where its entry is.</param>
        /// <param name="before">The entry before it in its bucket; nowhere: it is the first.</param>
        private bool Find(int hash, ReadOnlySpan<byte> key, out long place, out long before)
        {
            (place, before) = (Nowhere, Nowhere);
            if (_ring.Length == 0) return false;
            for (place = Bucket(hash); place >= 0 && place >= _end - bytes; before = place, place = Number(Entry(place), NextAt))
            {
                var entry = Entry(place);
                if (Int(entry, HashAt) == hash && Int(entry, KeyLengthAt) == key.Length && entry.Slice(HeadBytes, key.Length).SequenceEqual(key))
                    return true;
            }
            return false;
        }

        private void Unlink(int hash, long place, long before)
        {
            var next = Number(Entry(place), NextAt);
            if (before == Nowhere) Bucket(hash) = next;
            else BinaryPrimitives.WriteInt64LittleEndian(Entry(before)[NextAt..], next);
        }

        private ref long Bucket(int hash) => ref _buckets[(uint)hash / ShardsMax % (uint)_buckets.Length];

        private Span<byte> Entry(long place) => _ring.AsSpan((int)(place % bytes));

        private static long Number(ReadOnlySpan<byte> entry, int at) => BinaryPrimitives.ReadInt64LittleEndian(entry[at..]);

        private static int Int(ReadOnlySpan<byte> entry, int at) => BinaryPrimitives.ReadInt32LittleEndian(entry[at..]);
    }
}
