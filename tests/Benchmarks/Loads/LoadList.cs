using System.Globalization;
using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.Benchmarks.Loads;

/// <summary>All loads, in the order in which they run and are reported.</summary>
internal static class LoadList
{
    private const long BeyondAllKeys = 500_000_000;
    public const int KeysOfRange = 1000;

    private const int Watchers = 1000;
    private const int LeaseSeconds = 600;

    private static readonly Load[] All =
    [
        .. new[] { 1, 16, 64, 256, 1000 }.Select(clients => Of("put", "put", clients, number => [Put(number)])),
        .. new[] { 1, 64, 1000 }.Select(clients => Of("get", "get, linearizable", clients, _ => [Get(isSerializable: false)])),
        .. new[] { 1, 64, 1000 }.Select(clients => Of("get-serializable", "get, serializable", clients, _ => [Get(isSerializable: true)])),
        Of("mix", "9 gets to 1 put", 256, number => [Put(number), .. Enumerable.Repeat(Get(isSerializable: false), 9)]),
        Of("txn", "transaction: compare, put", 64, number => [Transaction(number)]),
        Of("lease", "lease: grant, put under it, revoke", 64, LifeOfALease) with { IsCycle = true },
        Of("range", $"range of {KeysOfRange} keys", 16, _ => [Range()]) with { KeysBehind = KeysOfRange },
        Of("watch", "watch, events delivered", Watchers, _ => []) with { Watchers = Watchers },
    ];

    /// <summary>Some of everything, before the first load: a server that compiles while it runs has then done most of that.</summary>
    public static Load WarmUp { get; } =
        Of("warm-up", "", 64, number => [Put(number), Get(isSerializable: false), Get(isSerializable: true), Transaction(number)]);

    /// <param name="names">Comma-separated, or their beginnings up to a dash: put-,get-64. Null for all.</param>
    public static IReadOnlyList<Load> Matching(string? names) =>
        [.. All.Where(load => names is null || names.Split(',').Any(name => IsMeant(load.Name, name)))];

    private static bool IsMeant(string load, string name) =>
        name.EndsWith('-') ? load.StartsWith(name, StringComparison.Ordinal) : load == name;

    private static Load Of(string name, string title, int clients, Func<int, RequestTemplate[]> newRequests) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{name}-{clients}"), title, clients, newRequests);

    private static RequestTemplate Put(int client) => new(Paths.Put, PutOf(client), answerBytesMin: 8);

    private static PutRequest PutOf(int client, long distance = 0) =>
        new() { Key = RequestTemplate.Key(distance), Value = ByteString.CopyFrom(KeySpace.NewValue(client)) };

    private static RequestTemplate Get(bool isSerializable) => new(
        Paths.Range, new RangeRequest { Key = RequestTemplate.Key(), Serializable = isSerializable }, KeySpace.ValueBytes);

    private static RequestTemplate Range() => new(
        Paths.Range,
        new RangeRequest { Key = RequestTemplate.Key(), RangeEnd = RequestTemplate.Key(KeysOfRange) },
        KeysOfRange * KeySpace.ValueBytes);

    private static RequestTemplate Transaction(int client) => new(
        Paths.Txn,
        new TxnRequest
        {
            Compare = { Exists(RequestTemplate.Key()) },
            Success = { new RequestOp { RequestPut = PutOf(client) } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = RequestTemplate.Key() } } },
        },
        answerBytesMin: 8);

    /// <summary>Its keys go with the lease, and so are apart from those that ranges look for.</summary>
    private static RequestTemplate[] LifeOfALease(int client)
    {
        var (id, put) = (client + 1, PutOf(client, BeyondAllKeys));
        put.Lease = id;
        return
        [
            new(Paths.LeaseGrant, new LeaseGrantRequest { ID = id, TTL = LeaseSeconds }, answerBytesMin: 8),
            new(Paths.Put, put, answerBytesMin: 8),
            new(Paths.LeaseRevoke, new LeaseRevokeRequest { ID = id }, answerBytesMin: 8),
        ];
    }

    private static Compare Exists(ByteString key) => new()
    {
        Key = key,
        Target = Compare.Types.CompareTarget.Version,
        Result = Compare.Types.CompareResult.Greater,
        Version = 0,
    };
}
