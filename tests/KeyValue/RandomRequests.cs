using CsCheck;
using Google.Protobuf;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;
using static Raft.Protocol.Etcd.RangeRequest.Types;

namespace Raft.KeyValue.Tests;

/// <summary>A request that names revisions relative to the current one, which is known only when it runs.</summary>
/// <param name="At">Makes the request for a current revision.</param>
internal sealed record RelativeRequest(Func<long, IMessage> At)
{
    /// <summary>What a failing sample shows, as if at revision 100.</summary>
    public override string ToString()
    {
        var request = At(100);
        return $"{request.Descriptor.Name} {request}";
    }
}

/// <summary>Valid and invalid requests over a few keys that are made to collide: nested prefixes, zero and 255 bytes.</summary>
internal static class RandomRequests
{
    /// <summary>Few enough that etcd sorts a whole range by insertion, which is stable.</summary>
    private static readonly string[] Keys = ["a", "a\0", "a\0\0b", "a\0ÿ", "ab", "b", "bÿ", "c", "\0", "ÿÿ"];

    private static readonly Gen<ByteString> Key =
        Gen.Frequency((40, Gen.OneOf(Keys)), (1, Gen.Const(""))).Select(Bytes);

    private static readonly Gen<ByteString> End = Gen.Frequency(
        (4, Gen.Const("")), (3, Gen.OneOf(Keys)), (2, Gen.Const("\0")), (1, Gen.OneOf("aa", "d", "b\0"))).Select(Bytes);

    private static readonly Gen<ByteString> Value = Gen.OneOf("", "x", "y", "zz").Select(Bytes);

    /// <summary>How long ago; -1 is the future, null the present.</summary>
    private static readonly Gen<int?> Ago =
        Gen.Frequency((5, Gen.Const((int?)null)), (5, Gen.Int[0, 8].Select(ago => (int?)ago)), (1, Gen.Const((int?)-1)));

    private static readonly Gen<bool> Seldom = Gen.Frequency((6, Gen.Const(false)), (1, Gen.Const(true)));

    public static readonly Gen<RelativeRequest> Range = RangeFields().Select(at => new RelativeRequest(at));

    public static readonly Gen<RelativeRequest> Write = Gen.Frequency(
        (6, Lift(Put())),
        (3, Lift(DeleteRange())),
        (5, TxnAtLevel(2).Select(at => new RelativeRequest(now => at(now)))),
        (1, Ago.Select(ago => new RelativeRequest(now => new CompactionRequest { Revision = Revision(ago, now) }))));

    public static readonly Gen<RelativeRequest> Any = Gen.Frequency((1, Range), (1, Write));

    private static Gen<RelativeRequest> Lift<TRequest>(Gen<TRequest> requests)
        where TRequest : IMessage =>
        requests.Select(request => new RelativeRequest(_ => request));

    private static Gen<Func<long, RangeRequest>> RangeFields() =>
        Gen.Select(
            Gen.Select(Key, End, Ago),
            Gen.Select(
                Gen.Frequency((2, Gen.Const(0L)), (1, Gen.Long[1, 4])),
                Gen.OneOf(SortOrder.None, SortOrder.Ascend, SortOrder.Descend),
                Gen.OneOf(SortTarget.Key, SortTarget.Version, SortTarget.Create, SortTarget.Mod, SortTarget.Value)),
            Gen.Select(Seldom, Seldom),
            Gen.Select(Filter(), Filter(), Filter(), Filter()))
        .Select((key, order, only, filters) => (Func<long, RangeRequest>)(now => new RangeRequest
        {
            Key = key.Item1,
            RangeEnd = key.Item2,
            Revision = Revision(key.Item3, now),
            Limit = order.Item1,
            SortOrder = order.Item2,
            SortTarget = order.Item3,
            KeysOnly = only.Item1,
            CountOnly = only.Item2,
            MinModRevision = Revision(filters.Item1, now),
            MaxModRevision = Revision(filters.Item2, now),
            MinCreateRevision = Revision(filters.Item3, now),
            MaxCreateRevision = Revision(filters.Item4, now),
        }));

    private static Gen<int?> Filter() => Gen.Frequency((6, Gen.Const((int?)null)), (1, Gen.Int[0, 8].Select(ago => (int?)ago)));

    private static Gen<PutRequest> Put() =>
        Gen.Select(Key, Value, Gen.Bool, Seldom, Seldom, Gen.Frequency((20, Gen.Const(0L)), (1, Gen.Const(7L))))
            .Select((key, value, prevKv, ignoreValue, ignoreLease, lease) => new PutRequest
            {
                Key = key,
                Value = ignoreValue && value.Length < 2 ? ByteString.Empty : value,
                PrevKv = prevKv,
                IgnoreValue = ignoreValue,
                IgnoreLease = ignoreLease,
                Lease = lease,
            });

    private static Gen<DeleteRangeRequest> DeleteRange() =>
        Gen.Select(Key, End, Gen.Bool)
            .Select((key, end, prevKv) => new DeleteRangeRequest { Key = key, RangeEnd = end, PrevKv = prevKv });

    private static Gen<Func<long, TxnRequest>> TxnAtLevel(int depth) =>
        Gen.Select(Compare().Array[0, 2], Operation(depth).Array[0, 3], Operation(depth).Array[0, 3])
            .Select((compares, success, failure) => (Func<long, TxnRequest>)(now => new TxnRequest
            {
                Compare = { compares.Select(compare => compare(now)) },
                Success = { success.Select(operation => operation(now)) },
                Failure = { failure.Select(operation => operation(now)) },
            }));

    private static Gen<Func<long, RequestOp>> Operation(int depth)
    {
        var plain = Gen.Frequency<Func<long, RequestOp>>(
            (8, Put().Select(put => (Func<long, RequestOp>)(_ => new RequestOp { RequestPut = put }))),
            (4, DeleteRange().Select(delete => (Func<long, RequestOp>)(_ => new RequestOp { RequestDeleteRange = delete }))),
            (6, RangeFields().Select(range => (Func<long, RequestOp>)(now => new RequestOp { RequestRange = range(now) }))));
        return depth == 0
            ? plain
            : Gen.Frequency(
                (20, plain),
                (4, TxnAtLevel(depth - 1).Select(txn => (Func<long, RequestOp>)(now => new RequestOp { RequestTxn = txn(now) }))),
                (1, Gen.Const<Func<long, RequestOp>>(_ => new RequestOp())));
    }

    private static Gen<Func<long, Compare>> Compare() =>
        Gen.Select(
            Key,
            Gen.Frequency((3, Gen.Const(ByteString.Empty)), (1, End)),
            Gen.Enum<Compare.Types.CompareResult>(),
            Gen.Enum<Compare.Types.CompareTarget>(),
            Gen.Int[-1, 4],
            Value)
        .Select((key, end, result, target, number, value) => (Func<long, Compare>)(now =>
        {
            var compare = new Compare { Key = key, RangeEnd = end, Result = result, Target = target };
            switch (target)
            {
                case Protocol.Etcd.Compare.Types.CompareTarget.Version: compare.Version = number; break;
                case Protocol.Etcd.Compare.Types.CompareTarget.Create: compare.CreateRevision = number <= 0 ? 0 : now - number; break;
                case Protocol.Etcd.Compare.Types.CompareTarget.Mod: compare.ModRevision = number <= 0 ? 0 : now - number; break;
                case Protocol.Etcd.Compare.Types.CompareTarget.Lease: compare.Lease = number; break;
                default: compare.Value = value; break;
            }
            return compare;
        }));

    private static long Revision(int? ago, long now) => ago is { } revisions ? Math.Max(0, now - revisions) : 0;
}
