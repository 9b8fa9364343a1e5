using Google.Protobuf;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.Compare.Types;
using static Raft.Protocol.Etcd.RangeRequest.Types;

namespace Raft.Differential.Tests.Requests;

/// <summary>Valid and invalid requests of the service KV over a few keys that are made to collide.</summary>
/// <param name="draw">Decides.</param>
/// <param name="nestedMax">Levels of transactions inside a transaction.</param>
/// <param name="isGuarded">Whether permissions count, which etcd overlooks in some places (see docs/compatibility.md).</param>
/// <param name="leases">An id for a put or a comparison, known or not.</param>
internal sealed class KvRequests(Draw draw, int nestedMax, bool isGuarded, Func<long> leases)
{
    private const int TooManyBytes = 1_600_000;
    private const int FarTooManyBytes = 2_500_000;

    /// <summary>Few enough that etcd sorts all of them by insertion, which keeps the order of equals (see docs/compatibility.md).</summary>
    private static readonly string[] Keys = ["a", "a\0", "a\0\0b", "a\0ÿ", "ab", "b", "bÿ", "c", "\0", "ÿÿ"];

    private ByteString _lastKey = ByteString.Empty;

    /// <summary>Latin-1: each character is one byte.</summary>
    public static ByteString Bytes(string text) => ByteString.CopyFrom(text, System.Text.Encoding.Latin1);

    public IMessage Any() => draw.Weighted<IMessage>(
        (30, Range), (20, Put), (10, DeleteRange), (22, () => Txn(nestedMax)), (4, Compaction), (1, Oversized), (1, ManyOperations));

    public IMessage Write() => draw.Weighted<IMessage>((6, Put), (3, DeleteRange), (3, () => Txn(nestedMax)));

    public ByteString Key() => _lastKey = draw.Percent(3) ? ByteString.Empty : Bytes(draw.Of(Keys));

    /// <summary>For the key drawn last.</summary>
    public ByteString End() =>
        AnyEnd() is var end && isGuarded && end is not ([] or [0]) && end.Span.SequenceCompareTo(_lastKey.Span) <= 0 ? ByteString.Empty : end;

    /// <summary>Before the key or behind it.</summary>
    public ByteString AnyEnd() => draw.Weighted(
        (4, () => ByteString.Empty), (3, () => Bytes(draw.Of(Keys))), (2, () => Bytes("\0")), (1, () => Bytes(draw.Of("aa", "d", "b\0"))));

    public RangeRequest Range() => new()
    {
        Key = Key(),
        RangeEnd = End(),
        Revision = Revision(45),
        Limit = draw.Percent(30) ? draw.Between(-1, 4) : 0,
        SortOrder = draw.Of(SortOrder.None, SortOrder.Ascend, SortOrder.Descend),
        SortTarget = draw.Of(SortTarget.Key, SortTarget.Version, SortTarget.Create, SortTarget.Mod, SortTarget.Value),
        Serializable = draw.Percent(25),
        KeysOnly = draw.Percent(12),
        CountOnly = draw.Percent(12),
        MinModRevision = Revision(12),
        MaxModRevision = Revision(12),
        MinCreateRevision = Revision(12),
        MaxCreateRevision = Revision(12),
    };

    public PutRequest Put()
    {
        var ignoresValue = draw.Percent(12);
        return new PutRequest
        {
            Key = Key(),
            Value = ignoresValue && draw.Percent(80) ? ByteString.Empty : Value(),
            PrevKv = draw.Percent(50),
            IgnoreValue = ignoresValue,
            IgnoreLease = draw.Percent(12),
            Lease = draw.Percent(25) ? leases() : 0,
        };
    }

    public DeleteRangeRequest DeleteRange() => new() { Key = Key(), RangeEnd = End(), PrevKv = draw.Percent(50) };

    public TxnRequest Txn(int nested)
    {
        while (true)
        {
            var request = new TxnRequest
            {
                Compare = { draw.Several(2, Compare) },
                Success = { draw.Several(3, () => Operation(nested)) },
                Failure = { draw.Several(3, () => Operation(nested)) },
            };
            if (!MayKillEtcd(request)) return request;
        }
    }

    /// <summary>How far back, or a little ahead; 0: the newest; seldom below 0.</summary>
    public long Revision(int percent) =>
        !draw.Percent(percent) ? 0 : draw.Weighted<long>((10, () => Symbols.Revision(-draw.Below(9))), (1, () => Symbols.Revision(1)), (1, () => -1));

    private CompactionRequest Compaction() => new()
    {
        Revision = draw.Weighted<long>(
            (6, () => Symbols.Revision(-draw.Below(9))), (1, () => Symbols.Revision(draw.Between(1, 2))), (1, () => draw.Between(-1, 0))),
        Physical = draw.Percent(40),
    };

    private IMessage Oversized()
    {
        var value = ByteString.CopyFrom(new byte[draw.Of(TooManyBytes, FarTooManyBytes)]);
        return draw.Percent(50)
            ? new PutRequest { Key = Key(), Value = value }
            : new TxnRequest { Success = { new RequestOp { RequestPut = new() { Key = Key(), Value = value } } } };
    }

    /// <summary>Around the limit of 128 operations. Reads, so that few keys stay few.</summary>
    private TxnRequest ManyOperations()
    {
        var request = new TxnRequest { Success = { Reads(draw.Between(120, 129)) } };
        if (nestedMax > 0 && draw.Percent(60)) request.Success[0] = new RequestOp { RequestTxn = new() { Failure = { Reads(draw.Between(1, 9)) } } };
        return request;

        IEnumerable<RequestOp> Reads(int count) => Enumerable.Range(0, count).Select(_ => new RequestOp { RequestRange = new() { Key = Bytes("a") } });
    }

    private RequestOp Operation(int nested) => draw.Weighted<RequestOp>(
        (8, () => new() { RequestPut = isGuarded ? new(Put()) { PrevKv = false } : Put() }),
        (4, () => new() { RequestDeleteRange = DeleteRange() }),
        (6, () => new() { RequestRange = Range() }),
        (nested > 0 ? 4 : 0, () => new() { RequestTxn = Txn(nested - 1) }),
        (nested > 0 ? 1 : 0, () => new()));

    private Compare Compare()
    {
        var compare = new Compare
        {
            Key = Key(),
            RangeEnd = draw.Percent(25) ? End() : ByteString.Empty,
            Result = draw.Of(CompareResult.Equal, CompareResult.Greater, CompareResult.Less, CompareResult.NotEqual),
            Target = draw.Of(CompareTarget.Version, CompareTarget.Create, CompareTarget.Mod, CompareTarget.Value, CompareTarget.Lease),
        };
        // Seldom, what is given is not what is to be compared.
        switch (draw.Percent(3) ? draw.Of(CompareTarget.Version, CompareTarget.Mod, CompareTarget.Value) : compare.Target)
        {
            case CompareTarget.Version: compare.Version = draw.Between(-1, 4); break;
            case CompareTarget.Create: compare.CreateRevision = Revision(70); break;
            case CompareTarget.Mod: compare.ModRevision = Revision(70); break;
            case CompareTarget.Value: compare.Value = Value(); break;
            default:
                compare.Lease = draw.Percent(50) ? leases() : 0;
                // Which of two ids is larger means nothing when the servers chose them.
                if (Symbols.IsLease(compare.Lease)) compare.Result = CompareResult.Equal;
                break;
        }

        return compare;
    }

    private ByteString Value() => Bytes(draw.Of("", "x", "y", "zz"));

    /// <summary>
    /// etcd overlooks that an open-ended delete covers a put, and panics when that put is to keep what has been deleted. Ours
    /// refuses such a transaction.
    /// </summary>
    private static bool MayKillEtcd(TxnRequest txn)
    {
        var operations = Flatten(txn).ToList();
        return operations.Exists(op => op.RequestDeleteRange is { RangeEnd: [0] })
            && operations.Exists(op => op.RequestPut is { IgnoreValue: true } or { IgnoreLease: true });
    }

    private static IEnumerable<RequestOp> Flatten(TxnRequest txn) =>
        txn.Success.Concat(txn.Failure).SelectMany(op => op.RequestTxn is { } nested ? Flatten(nested) : [op]);
}
