using System.Buffers.Binary;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Writing;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Leases;

/// <summary>
/// The leases that exist, and which keys live under each, as every member stores them. When a lease ends is not among it: the
/// leader alone keeps time, and says so with a revoke that goes through the log (etcd's lessor).
/// </summary>
internal static class LeaseTable
{
    /// <summary>etcd's bound, in seconds.</summary>
    public const long LargestTtl = 9_000_000_000;

    /// <summary>A new lease. The proposer has chosen its id, and has raised too short a time to live.</summary>
    public static StoreError? Grant(Overlay overlay, LeaseGrantRequest request)
    {
        if (request.ID == 0) return StoreError.LeaseNotFound;
        if (request.TTL > LargestTtl) return StoreError.LeaseTtlTooLarge;
        if (Exists(overlay, request.ID)) return StoreError.LeaseExists;
        var ttl = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(ttl, request.TTL);
        overlay.Put(KeyLayout.LeaseKey(request.ID), ttl);
        return null;
    }

    /// <summary>Ends a lease; its keys die in one revision, in key order.</summary>
    public static StoreError? Revoke(Overlay overlay, RevisionWriter writer, long id)
    {
        if (!Exists(overlay, id)) return StoreError.LeaseNotFound;
        foreach (var key in Keys(overlay, id)) writer.Delete(key);
        overlay.Delete(KeyLayout.LeaseKey(id));
        return null;
    }

    public static bool Exists(IStateReader reader, long id) => Ttl(reader, id) is not null;

    /// <summary>The time to live that was granted, in seconds; null: there is no such lease.</summary>
    public static long? Ttl(IStateReader reader, long id) =>
        reader.TryGet(KeyLayout.LeaseKey(id), out var ttl) ? BinaryPrimitives.ReadInt64BigEndian(ttl.Span) : null;

    /// <summary>The keys that live under a lease, in order.</summary>
    public static List<byte[]> Keys(IStateReader reader, long id)
    {
        var keys = new List<byte[]>();
        var prefix = KeyLayout.AttachedKey(id, []);
        using var cursor = reader.OpenCursor();
        for (var stands = cursor.SeekAtOrAfter(prefix); stands && cursor.Key.StartsWith(prefix); stands = cursor.MoveNext())
            keys.Add(cursor.Key[prefix.Length..].ToArray());
        return keys;
    }

    /// <summary>How many keys live under a lease, counted up to a bound.</summary>
    public static int CountKeys(IStateReader reader, long id, int max)
    {
        var count = 0;
        var prefix = KeyLayout.AttachedKey(id, []);
        using var cursor = reader.OpenCursor();
        for (var stands = cursor.SeekAtOrAfter(prefix); count < max && stands && cursor.Key.StartsWith(prefix); stands = cursor.MoveNext())
            count++;
        return count;
    }

    /// <summary>All leases and their times to live, by id.</summary>
    public static List<GrantedLease> List(IStateReader reader)
    {
        var leases = new List<GrantedLease>();
        using var cursor = reader.OpenCursor();
        for (var stands = cursor.SeekAtOrAfter([KeyLayout.Leases]); stands && cursor.Key[0] == KeyLayout.Leases; stands = cursor.MoveNext())
            leases.Add(new(KeyLayout.LeaseOf(cursor.Key), BinaryPrimitives.ReadInt64BigEndian(cursor.Value)));
        return leases;
    }
}
