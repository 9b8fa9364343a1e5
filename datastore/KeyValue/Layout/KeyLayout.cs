using System.Buffers.Binary;
using System.Text;

namespace Raft.KeyValue.Layout;

/// <summary>
/// Where everything lies in the ordered store. The first byte names the keyspace:
/// <code>
///   H  main revision, sub revision                history, every change: what it did, to which key, and the version that it replaced
///   k  user key                                   the newest version of every key
///   i  escaped user key, main and sub revision    some of the changes of a key, where it has many
///   m  name                                       the state record, the alarms, the downgrade
///   n  anything                                   the node's own: applied index, configuration, members
///   s  session                                    every open session
///   a  session, sequence                          every answer that is kept for a retry
///   e  unix ms, session                           when to look whether the session has expired
///   l  lease                                      its time to live
///   L  lease, user key                            a key that lives under the lease
///   u  u or r, name                               users and roles
/// </code>
/// A pair is an encoded <c>mvccpb.KeyValue</c>, so it can go into a response as it is.
/// <para>
/// Keeping the newest apart from history means that the newest value of a key is one point lookup (which a Bloom filter answers when the
/// key is new), and that a scan of the present passes over every key once, however often it was overwritten. The price is that an
/// overwritten value is written a second time, as history.
/// </para><para>
/// History is an undo log. It grows at its end only, which an ordered store takes at half the cost of writes all over the keys (in
/// memory, in flushing, and in merging files), and compaction removes it from its beginning. A version knows the change that made it, and
/// that change holds the version before: so the past of a key is a chain, from the newest backwards. Where it is long, keyspace i knows
/// one of its links in every sixteen, and a version of long ago is found from the next of these.
/// </para><para>
/// History comes before all else, so that its older part lies outside of what new files span, which reach from the oldest change in them
/// to the last key there is: when RocksDB merges them into the next level, it leaves that part alone. Behind the other keyspaces it would
/// lie in their midst, and be written again each time.
/// </para><para>
/// A deleted key leaves a tombstone in k, the head of its chain, until compaction has passed the delete.
/// </para>
/// Numbers are big-endian, so that their bytes sort as they do.
/// </summary>
internal static class KeyLayout
{
    public const byte Newest = (byte)'k';
    public const byte Changes = (byte)'H';
    public const byte Index = (byte)'i';
    public const byte Meta = (byte)'m';
    public const byte Node = (byte)'n';
    public const byte Sessions = (byte)'s';
    public const byte Answers = (byte)'a';
    public const byte Expiries = (byte)'e';
    public const byte Auth = (byte)'u';

    public const byte Leases = (byte)'l';
    public const byte Attachments = (byte)'L';

    private const byte Escape = 0x00;
    private const byte EscapedZero = 0xFF;
    private const byte EndOfKey = 0x00;
    private const int PositionLength = sizeof(long) + sizeof(int);

    /// <summary>The key of <see cref="StoreState"/>.</summary>
    public static readonly ReadOnlyMemory<byte> State = "mstate"u8.ToArray();

    /// <summary>What the key of every active alarm starts with; member id and kind follow.</summary>
    public static readonly ReadOnlyMemory<byte> AlarmPrefix = "malarm/"u8.ToArray();

    /// <summary>The key of the downgrade that is enabled: its target version. Not there: none is.</summary>
    public static readonly ReadOnlyMemory<byte> Downgrade = "mdowngrade"u8.ToArray();

    /// <summary>A key of length one that sorts after all of a keyspace.</summary>
    public static byte[] EndOf(byte keyspace) => [(byte)(keyspace + 1)];

    public static int NewestLength(ReadOnlySpan<byte> userKey) => 1 + userKey.Length;

    public static void WriteNewest(Span<byte> target, ReadOnlySpan<byte> userKey) => WritePrefixed(target, Newest, userKey);

    public static byte[] NewestKey(ReadOnlySpan<byte> userKey) => Prefixed(Newest, userKey);

    public static byte[] NodeKey(ReadOnlySpan<byte> name) => Prefixed(Node, name);

    public static int IndexLength(ReadOnlySpan<byte> userKey) =>
        1 + userKey.Length + userKey.Count(Escape) + 2 + PositionLength;

    /// <summary>
    /// Zero bytes are escaped (00 becomes 00 FF) and the key ends in 00 00, which sorts before any continuation: so the order of
    /// encoded keys is the order of user keys, whatever position follows.
    /// </summary>
    public static void WriteIndex(Span<byte> target, ReadOnlySpan<byte> userKey, ChangePosition position)
    {
        target[0] = Index;
        var at = 1;
        foreach (var value in userKey)
        {
            target[at++] = value;
            if (value == Escape) target[at++] = EscapedZero;
        }
        target[at++] = Escape;
        target[at++] = EndOfKey;
        WritePosition(target[at..], position);
    }

    public static byte[] IndexKey(ReadOnlySpan<byte> userKey, ChangePosition position)
    {
        var key = new byte[IndexLength(userKey)];
        WriteIndex(key, userKey, position);
        return key;
    }

    public const int ChangeLength = 1 + PositionLength;

    public static void WriteChange(Span<byte> target, ChangePosition position)
    {
        target[0] = Changes;
        WritePosition(target[1..], position);
    }

    public static byte[] ChangeKey(ChangePosition position)
    {
        var key = new byte[ChangeLength];
        WriteChange(key, position);
        return key;
    }

    /// <summary>The position that a key of keyspace H or i ends in.</summary>
    public static ChangePosition PositionOf(ReadOnlySpan<byte> key)
    {
        var position = key[^PositionLength..];
        return new(BinaryPrimitives.ReadInt64BigEndian(position), BinaryPrimitives.ReadInt32BigEndian(position[sizeof(long)..]));
    }

    public static byte[] SessionKey(ulong session) => Numbered(Sessions, session);

    public static byte[] AnswerKey(ulong session, ulong sequence) => Numbered(Answers, session, sequence);

    public static byte[] ExpiryKey(long unixMs, ulong session) => Numbered(Expiries, (ulong)unixMs, session);

    public static (long UnixMs, ulong Session) ExpiryOf(ReadOnlySpan<byte> expiryKey) => (
        BinaryPrimitives.ReadInt64BigEndian(expiryKey[1..]), BinaryPrimitives.ReadUInt64BigEndian(expiryKey[(1 + sizeof(long))..]));

    public static byte[] LeaseKey(long lease) => Numbered(Leases, (ulong)lease);

    public static long LeaseOf(ReadOnlySpan<byte> leaseKey) => BinaryPrimitives.ReadInt64BigEndian(leaseKey[1..]);

    public static byte[] AttachedKey(long lease, ReadOnlySpan<byte> userKey) => [.. Numbered(Attachments, (ulong)lease), .. userKey];

    /// <summary>What the key of every user starts with; the name follows.</summary>
    public static readonly ReadOnlyMemory<byte> UserPrefix = "uu"u8.ToArray();

    /// <summary>What the key of every role starts with; the name follows.</summary>
    public static readonly ReadOnlyMemory<byte> RolePrefix = "ur"u8.ToArray();

    public static byte[] UserKey(string name) => [.. UserPrefix.Span, .. Encoding.UTF8.GetBytes(name)];

    public static byte[] RoleKey(string name) => [.. RolePrefix.Span, .. Encoding.UTF8.GetBytes(name)];

    private static byte[] Numbered(byte keyspace, params ReadOnlySpan<ulong> numbers)
    {
        var key = new byte[1 + (numbers.Length * sizeof(ulong))];
        key[0] = keyspace;
        for (var at = 0; at < numbers.Length; at++)
            BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1 + (at * sizeof(ulong))), numbers[at]);
        return key;
    }

    private static void WritePosition(Span<byte> target, ChangePosition position)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, position.Main);
        BinaryPrimitives.WriteInt32BigEndian(target[sizeof(long)..], position.Sub);
    }

    private static byte[] Prefixed(byte keyspace, ReadOnlySpan<byte> rest)
    {
        var key = new byte[1 + rest.Length];
        WritePrefixed(key, keyspace, rest);
        return key;
    }

    private static void WritePrefixed(Span<byte> target, byte keyspace, ReadOnlySpan<byte> rest)
    {
        target[0] = keyspace;
        rest.CopyTo(target[1..]);
    }
}
