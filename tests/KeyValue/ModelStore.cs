using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Raft.KeyValue.Requests;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.Compare.Types;
using static Raft.Protocol.Etcd.RangeRequest.Types;
using Pair = Raft.Protocol.Etcd.KeyValue;
using State = System.Collections.Immutable.ImmutableSortedDictionary<string, Raft.Protocol.Etcd.KeyValue>;

namespace Raft.KeyValue.Tests;

/// <summary>
/// What the store should be, as simply as it can be said: the whole state of every revision, kept for ever. Keys are strings
/// of one character a byte, compared by ordinal.
/// </summary>
internal sealed class ModelStore
{
    private readonly List<State> _revisions = [State.Empty.WithComparers(StringComparer.Ordinal)];
    private long _compacted = -1;

    public long Revision => _revisions.Count;

    public long CompactedRevision => _compacted;

    public CommandResult Apply(IMessage request) => request switch
    {
        RangeRequest range => RequestValidator.Validate(range) is { } refusal ? Refused(refusal) : RangeAtTop(range),
        PutRequest put => RequestValidator.Validate(put) is { } refusal ? Refused(refusal) : Write(RequestOf(put)),
        DeleteRangeRequest delete => RequestValidator.Validate(delete) is { } refusal ? Refused(refusal) : Write(RequestOf(delete)),
        TxnRequest txn => RequestValidator.Validate(txn) is { } refusal ? Refused(refusal) : Write(new RequestOp { RequestTxn = txn }),
        CompactionRequest compact => Compact(compact.Revision),
        _ => throw new ArgumentException($"The model does not know {request.GetType().Name}.", nameof(request)),
    };

    private static RequestOp RequestOf(PutRequest put) => new() { RequestPut = put };

    private static RequestOp RequestOf(DeleteRangeRequest delete) => new() { RequestDeleteRange = delete };

    private static CommandResult Refused(StoreError error) => new(null, error);

    private CommandResult Compact(long revision)
    {
        if (revision <= _compacted) return Refused(StoreError.Compacted);
        if (revision > Revision) return Refused(StoreError.FutureRevision);
        _compacted = revision;
        return new(new CompactionResponse { Header = new() { Revision = Revision } }, null);
    }

    private CommandResult RangeAtTop(RangeRequest range) =>
        CheckRevision(range) is { } refusal ? Refused(refusal) : new(Range(range, Current, Revision), null);

    private State Current => _revisions[^1];

    private StoreError? CheckRevision(RangeRequest range) =>
        range.Revision > Revision ? StoreError.FutureRevision
        : range.Revision > 0 && range.Revision < _compacted ? StoreError.Compacted
        : null;

    /// <summary>Tries the operation on a copy; keeps the copy as a new revision if it changed anything.</summary>
    private CommandResult Write(RequestOp operation)
    {
        var branches = new Dictionary<TxnRequest, bool>(ReferenceEqualityComparer.Instance);
        if (operation.RequestTxn is { } txn) Decide(txn, branches);
        var leaves = Leaves(operation, branches).ToList();
        foreach (var put in leaves.Select(leaf => leaf.RequestPut).OfType<PutRequest>())
        {
            var missing = (put.IgnoreValue || put.IgnoreLease) && !Current.ContainsKey(Text(put.Key));
            var error = operation.RequestTxn is null
                ? LeaseError(put) ?? MissingError(missing)
                : MissingError(missing) ?? LeaseError(put);
            if (error is not null) return Refused(error);
        }
        foreach (var range in leaves.Select(leaf => leaf.RequestRange).OfType<RangeRequest>())
            if (CheckRevision(range) is { } refusal) return Refused(refusal);

        var (state, changed) = (Current, false);
        var response = Execute(operation, branches, ref state, ref changed);
        if (response.ResponseTxn is { } top) top.Header = new() { Revision = changed ? Revision + 1 : Revision };
        if (changed) _revisions.Add(state);
        return new((IMessage?)response.ResponsePut ?? (IMessage?)response.ResponseDeleteRange ?? response.ResponseTxn, null);
    }

    private static StoreError? LeaseError(PutRequest put) => put.Lease != 0 ? StoreError.LeaseNotFound : null;

    private static StoreError? MissingError(bool missing) => missing ? StoreError.KeyNotFound : null;

    private void Decide(TxnRequest txn, Dictionary<TxnRequest, bool> branches)
    {
        branches[txn] = txn.Compare.All(Holds);
        foreach (var nested in Branch(txn, branches).Select(op => op.RequestTxn).OfType<TxnRequest>()) Decide(nested, branches);
    }

    private static RepeatedField<RequestOp> Branch(TxnRequest txn, Dictionary<TxnRequest, bool> branches) =>
        branches[txn] ? txn.Success : txn.Failure;

    private static IEnumerable<RequestOp> Leaves(RequestOp operation, Dictionary<TxnRequest, bool> branches) =>
        operation.RequestTxn is { } txn ? Branch(txn, branches).SelectMany(nested => Leaves(nested, branches)) : [operation];

    private bool Holds(Compare compare)
    {
        var pairs = Select(Current, compare.Key, compare.RangeEnd).DefaultIfEmpty(new Pair()).ToList();
        return pairs.TrueForAll(pair =>
        {
            if (compare.Target == CompareTarget.Value && pair.ModRevision == 0) return false;
            var order = compare.Target switch
            {
                CompareTarget.Version => pair.Version.CompareTo(compare.Version),
                CompareTarget.Create => pair.CreateRevision.CompareTo(compare.CreateRevision),
                CompareTarget.Mod => pair.ModRevision.CompareTo(compare.ModRevision),
                CompareTarget.Lease => pair.Lease.CompareTo(compare.Lease),
                _ => string.CompareOrdinal(Text(pair.Value), Text(compare.Value)),
            };
            return compare.Result switch
            {
                CompareResult.Equal => order == 0,
                CompareResult.NotEqual => order != 0,
                CompareResult.Less => order < 0,
                _ => order > 0,
            };
        });
    }

    private ResponseOp Execute(RequestOp operation, Dictionary<TxnRequest, bool> branches, ref State state, ref bool changed)
    {
        var next = Revision + 1;
        if (operation.RequestRange is { } range) return new() { ResponseRange = Range(range, state, changed ? next : Revision) };
        if (operation.RequestPut is { } put)
        {
            state.TryGetValue(Text(put.Key), out var old);
            changed = true;
            state = state.SetItem(Text(put.Key), new Pair
            {
                Key = put.Key,
                CreateRevision = old?.CreateRevision ?? next,
                ModRevision = next,
                Version = (old?.Version ?? 0) + 1,
                Value = put.IgnoreValue ? old!.Value : put.Value,
                Lease = put.IgnoreLease ? old!.Lease : put.Lease,
            });
            return new() { ResponsePut = new() { Header = new() { Revision = next }, PrevKv = put.PrevKv ? old : null } };
        }
        if (operation.RequestDeleteRange is { } delete)
        {
            var doomed = Select(state, delete.Key, delete.RangeEnd).ToList();
            changed |= doomed.Count > 0;
            state = state.RemoveRange(doomed.Select(pair => Text(pair.Key)));
            var response = new DeleteRangeResponse { Header = new() { Revision = changed ? next : Revision }, Deleted = doomed.Count };
            if (delete.PrevKv) response.PrevKvs.Add(doomed);
            return new() { ResponseDeleteRange = response };
        }
        var txn = new TxnResponse { Header = new(), Succeeded = branches[operation.RequestTxn] };
        foreach (var nested in Branch(operation.RequestTxn, branches)) txn.Responses.Add(Execute(nested, branches, ref state, ref changed));
        return new() { ResponseTxn = txn };
    }

    private RangeResponse Range(RangeRequest range, State state, long current)
    {
        if (range.Revision > 0 && range.Revision < current) state = _revisions[(int)range.Revision - 1];
        var all = Select(state, range.Key, range.RangeEnd).ToList();
        var isSorted = range.SortOrder != SortOrder.None;
        var isFiltered = range.MinModRevision != 0 || range.MaxModRevision != 0
            || range.MinCreateRevision != 0 || range.MaxCreateRevision != 0;
        // As in etcd: a sort target without an order sorts only what the limit let through.
        IEnumerable<Pair> pairs = range.Limit > 0 && !isSorted && !isFiltered ? all.Take((int)range.Limit + 1) : all;
        pairs = pairs.Where(pair =>
            (range.MinModRevision == 0 || pair.ModRevision >= range.MinModRevision)
            && (range.MaxModRevision == 0 || pair.ModRevision <= range.MaxModRevision)
            && (range.MinCreateRevision == 0 || pair.CreateRevision >= range.MinCreateRevision)
            && (range.MaxCreateRevision == 0 || pair.CreateRevision <= range.MaxCreateRevision));
        Func<Pair, IComparable> sortKey = range.SortTarget switch
        {
            SortTarget.Version => pair => pair.Version,
            SortTarget.Create => pair => pair.CreateRevision,
            SortTarget.Mod => pair => pair.ModRevision,
            SortTarget.Value => pair => new Ordinal(Text(pair.Value)),
            _ => pair => new Ordinal(Text(pair.Key)),
        };
        var sorted = (range.SortOrder == SortOrder.Descend ? pairs.OrderByDescending(sortKey) : pairs.OrderBy(sortKey)).ToList();
        if (range.CountOnly) sorted.Clear();
        var more = range.Limit > 0 && sorted.Count > range.Limit;
        var response = new RangeResponse { Header = new() { Revision = current }, Count = all.Count, More = more };
        foreach (var pair in more ? sorted.Take((int)range.Limit) : sorted)
        {
            var shown = pair.Clone();
            if (range.KeysOnly) shown.Value = ByteString.Empty;
            response.Kvs.Add(shown);
        }
        return response;
    }

    private static IEnumerable<Pair> Select(State state, ByteString key, ByteString end)
    {
        var (first, last) = (Text(key), Text(end));
        return state.Values.Where(pair => last switch
        {
            "" => Text(pair.Key) == first,
            "\0" => string.CompareOrdinal(Text(pair.Key), first) >= 0,
            _ => string.CompareOrdinal(Text(pair.Key), first) >= 0 && string.CompareOrdinal(Text(pair.Key), last) < 0,
        });
    }

    private static string Text(ByteString bytes) => bytes.ToString(Encoding.Latin1);

    private sealed record Ordinal(string Text) : IComparable
    {
        public int CompareTo(object? obj) => string.CompareOrdinal(Text, ((Ordinal)obj!).Text);
    }
}
