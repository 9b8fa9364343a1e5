using Raft.KeyValue.Layout;
using Raft.KeyValue.Leases;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Writing;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Requests;

/// <summary>Executes single operations, alone or inside a transaction. Without a writer it can only read.</summary>
/// <param name="reader">The state.</param>
/// <param name="state">Its revisions.</param>
/// <param name="writer">Takes the changes.</param>
/// <param name="read">See <see cref="RangeQuery.Run"/>.</param>
internal sealed class OperationExecutor(IStateReader reader, StoreState state, RevisionWriter? writer, Action<int>? read = null)
{
    /// <summary>Counts the running command's own revision from its first change on.</summary>
    public long CurrentRevision => writer?.Current ?? state.Revision;

    private RevisionWriter Writer => writer ?? throw new InvalidOperationException("A read-only transaction was asked to write.");

    /// <summary>A key cannot live under a lease that is gone.</summary>
    public StoreError? CheckLease(PutRequest request) =>
        request.Lease == 0 || LeaseTable.Exists(reader, request.Lease) ? null : StoreError.LeaseNotFound;

    /// <summary>What is to be kept from the old pair needs an old pair.</summary>
    public StoreError? CheckIgnored(PutRequest request) =>
        (request.IgnoreValue || request.IgnoreLease) && !PairLookup.TryGetNewest(reader, request.Key.Span, out _)
            ? StoreError.KeyNotFound
            : null;

    public StoreResult<RangeResponse> Range(RangeRequest request) =>
        RangeQuery.Run(reader, request, CurrentRevision, state.CompactedRevision, read);

    public StoreResult<PutResponse> Put(PutRequest request)
    {
        if ((CheckLease(request) ?? CheckIgnored(request)) is { } refusal) return refusal;
        var value = request.Value.Span;
        var lease = request.Lease;
        if (request.IgnoreValue || request.IgnoreLease)
        {
            PairLookup.TryGetNewest(reader, request.Key.Span, out var kept);
            var old = new StoredPair(kept.Span);
            if (request.IgnoreValue) value = old.Value;
            if (request.IgnoreLease) lease = old.Lease;
        }
        var previous = Writer.Put(request.Key.Span, value, lease);
        var response = new PutResponse { Header = Header() };
        if (request.PrevKv && !previous.IsEmpty) response.PrevKv = new StoredPair(previous.Span).ToMessage();
        return response;
    }

    public DeleteRangeResponse DeleteRange(DeleteRangeRequest request)
    {
        var deleted = Writer.Delete(request.Key, request.RangeEnd);
        var response = new DeleteRangeResponse { Header = Header(), Deleted = deleted.Count };
        if (request.PrevKv)
            foreach (var pair in deleted) response.PrevKvs.Add(new StoredPair(pair.Span).ToMessage());
        return response;
    }

    private ResponseHeader Header() => new() { Revision = CurrentRevision };
}
