using System.Buffers.Binary;
using System.Text;

namespace Raft.KeyValue.Layout;

/// <summary>
/// Where everything lies in the ordered store. The first byte names the keyspace:
/// <code>
///   k  user key                                   the newest pair of every living key
///   h  escaped user key, 00 00, superseded-at     every older pair, under the revision that ended it
///   r  main revision, sub revision                which key was changed, and how
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
/// Keeping living keys apart from history means that the newest value of a key is one point lookup (which a Bloom filter answers
/// when the key is new), that a scan of the present passes over nothing but living keys, however often they were
/// overwritten, and that deletion needs no tombstones. The price is that an overwritten value is written a second time,
/// as history.
/// </para><para>
/// Filing history under its end makes each entry an interval: a pair was visible from its mod_revision up to, not
/// including, superseded-at. The pair at revision R is the first entry of the key that ends after R, if it began by R.
/// Compaction at C drops exactly the entries that end by C, and keyspace r names each of them.
/// </para>
/// Numbers are big-endian, so that their bytes sort as they do.
/// </summary>
internal static class KeyLayout
{
    public const byte Living = (byte)'k';
    public const byte History = (byte)'h';
    public const byte Changes = (byte)'r';
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
    private const int RevisionLength = sizeof(long);

    /// <summary>The key of <see cref="StoreState"/>.</summary>
    public static readonly ReadOnlyMemory<byte> State = "mstate"u8.ToArray();

    /// <summary>What the key of every active alarm starts with; member id and kind follow.</summary>
    public static readonly ReadOnlyMemory<byte> AlarmPrefix = "malarm/"u8.ToArray();

    /// <summary>The key of the downgrade that is enabled: its target version. Not there: none is.</summary>
    public static readonly ReadOnlyMemory<byte> Downgrade = "mdowngrade"u8.ToArray();

    /// <summary>A key of length one that sorts after all of a keyspace.</summary>
    public static byte[] EndOf(byte keyspace) => [(byte)(keyspace + 1)];

    public static int LivingLength(ReadOnlySpan<byte> userKey) => 1 + userKey.Length;

    public static void WriteLiving(Span<byte> target, ReadOnlySpan<byte> userKey) => WritePrefixed(target, Living, userKey);

    public static byte[] LivingKey(ReadOnlySpan<byte> userKey) => Prefixed(Living, userKey);

    public static byte[] NodeKey(ReadOnlySpan<byte> name) => Prefixed(Node, name);

    public static int HistoryLength(ReadOnlySpan<byte> userKey) =>
        1 + userKey.Length + userKey.Count(Escape) + 2 + RevisionLength;

    /// <summary>
    /// Zero bytes are escaped (00 becomes 00 FF) and the key ends in 00 00, which sorts before any continuation: so the order of
    /// encoded keys is the order of user keys, whatever revision follows.
    /// </summary>
    public static void WriteHistory(Span<byte> target, ReadOnlySpan<byte> userKey, long supersededAt)
    {
        target[0] = History;
        var at = 1;
        foreach (var value in userKey)
        {
            target[at++] = value;
            if (value == Escape) target[at++] = EscapedZero;
        }
        target[at++] = Escape;
        target[at++] = EndOfKey;
        BinaryPrimitives.WriteInt64BigEndian(target[at..], supersededAt);
    }

    public static byte[] HistoryKey(ReadOnlySpan<byte> userKey, long supersededAt)
    {
        var key = new byte[HistoryLength(userKey)];
        WriteHistory(key, userKey, supersededAt);
        return key;
    }

    /// <summary>The revision that ended the pair under a key of keyspace h.</summary>
    public static long SupersededAt(ReadOnlySpan<byte> historyKey) => BinaryPrimitives.ReadInt64BigEndian(historyKey[^RevisionLength..]);

    public const int ChangeLength = 1 + RevisionLength + sizeof(int);

    public static void WriteChange(Span<byte> target, ChangePosition position)
    {
        target[0] = Changes;
        BinaryPrimitives.WriteInt64BigEndian(target[1..], position.Main);
        BinaryPrimitives.WriteInt32BigEndian(target[(1 + RevisionLength)..], position.Sub);
    }

    public static byte[] ChangeKey(ChangePosition position)
    {
        var key = new byte[ChangeLength];
        WriteChange(key, position);
        return key;
    }

    public static ChangePosition PositionOf(ReadOnlySpan<byte> changeKey) => new(
        BinaryPrimitives.ReadInt64BigEndian(changeKey[1..]), BinaryPrimitives.ReadInt32BigEndian(changeKey[(1 + RevisionLength)..]));

    public static void WriteChanged(Span<byte> target, ChangeKind kind, ReadOnlySpan<byte> userKey) =>
        WritePrefixed(target, (byte)kind, userKey);

    public static ChangeKind ChangeKindOf(ReadOnlySpan<byte> changed) => (ChangeKind)changed[0];

    public static ReadOnlySpan<byte> ChangedKeyOf(ReadOnlySpan<byte> changed) =>
        ChangeKindOf(changed) == ChangeKind.Fleeting ? new StoredPair(FleetingPairOf(changed)).Key : changed[1..];

    public static byte[] FleetingChange(ReadOnlySpan<byte> pair) => Prefixed((byte)ChangeKind.Fleeting, pair);

    /// <summary>The whole pair that a <see cref="ChangeKind.Fleeting"/> change put.</summary>
    public static ReadOnlySpan<byte> FleetingPairOf(ReadOnlySpan<byte> changed) => changed[1..];

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

/// <summary>Where a change stands among all changes.</summary>
/// <param name="Main">Its revision, shared by all changes of one command.</param>
/// <param name="Sub">Its place inside the revision, from 0.</param>
internal readonly record struct ChangePosition(long Main, int Sub);

/// <summary>What a change did to its key; the value of an entry in keyspace r starts with it, and the user key follows (but see the last).</summary>
internal enum ChangeKind : byte
{
    /// <summary>A put of a key that was not there: no pair ended.</summary>
    Create = 1,

    /// <summary>A put over an older pair.</summary>
    Update = 2,

    /// <summary>A delete.</summary>
    Delete = 3,

    /// <summary>
    /// A put of a pair that its own revision deleted again. No read ever sees it, but a watch tells of it, so the entry holds the
    /// encoded pair in place of the user key.
    /// </summary>
    Fleeting = 4,
}
