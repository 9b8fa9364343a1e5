using System.Globalization;
using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.Server.Coordination;

/// <summary>A lease's place in a queue.</summary>
/// <param name="Key">The key that stands for it.</param>
/// <param name="Lease">Holds the key.</param>
/// <param name="CreateRevision">When it was taken: the place is lost when the key does not live any more since then.</param>
/// <param name="Value">The key's value when the queue was entered.</param>
/// <param name="IsFirst">Nobody was before it when the queue was entered.</param>
/// <param name="Header">Of the answer that told all this.</param>
internal sealed record QueuePlace(ByteString Key, long Lease, long CreateRevision, ByteString Value, bool IsFirst, ResponseHeader Header);

/// <summary>
/// The keys NAME/LEASE of one name, in the order in which they were created: the first has what all of them want. Each waits for
/// the one just before it, so that one which goes wakes one. Names and rules are those of etcd's concurrency package: clients
/// that wait here and clients that use that package are in the same queue.
/// </summary>
internal sealed class KeyQueue(CoordinationCall call, ByteString name)
{
    private readonly ByteString _prefix = Join(name, "/");

    /// <summary>The first key with what is behind that prefix, as <see cref="First"/> finds it.</summary>
    private readonly ByteString _prefixEnd = Join(name, "0");

    /// <summary>The oldest key.</summary>
    public RangeRequest First => new()
    {
        Key = _prefix,
        RangeEnd = _prefixEnd,
        SortTarget = RangeRequest.Types.SortTarget.Create,
        SortOrder = RangeRequest.Types.SortOrder.Ascend,
        Limit = 1,
    };

    /// <summary>Watches all keys of the queue for new ones.</summary>
    public void AddTo(KeyWatch watch, long fromRevision) =>
        watch.Add(_prefix, _prefixEnd, fromRevision, WatchCreateRequest.Types.FilterType.Nodelete);

    /// <summary>Takes a place at the end. A lease that has one already keeps it, and its value.</summary>
    public async Task<QueuePlace> EnterAsync(long lease, ByteString value)
    {
        var key = Join(_prefix, Hexadecimal(lease));
        var first = new RequestOp { RequestRange = First };
        var response = await call.TxnAsync(new TxnRequest
        {
            Compare = { CoordinationCall.IsCreatedAt(key, 0) },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease } }, first },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } }, first },
        });
        var (revision, kept) = (response.Header.Revision, value);
        if (!response.Succeeded)
        {
            var own = response.Responses[0].ResponseRange.Kvs[0];
            (revision, kept) = (own.CreateRevision, own.Value);
        }

        var isFirst = response.Responses[1].ResponseRange.Kvs[0].CreateRevision == revision;
        return new QueuePlace(key, lease, revision, kept, isFirst, response.Header);
    }

    /// <summary>
    /// Waits until nobody is before a place. A client that gives up leaves the queue; one that is only cut off, because this member
    /// stops, keeps its place for as long as its lease lives, and may wait elsewhere.
    /// </summary>
    /// <returns>A header of that moment; null: the place itself is gone, since its lease ended or somebody deleted its key.</returns>
    /// <exception cref="OperationCanceledException">The call has ended.</exception>
    public async Task<ResponseHeader?> WaitUntilFirstAsync(QueuePlace place)
    {
        try
        {
            while (true)
            {
                var (header, isThere, before) = await LookAsync(place);
                if (!isThere || before is null)
                {
                    return isThere ? header : null;
                }

                using var watch = call.Watch();
                watch.Add(before, ByteString.Empty, header.Revision + 1, WatchCreateRequest.Types.FilterType.Noput);
                watch.Add(place.Key, ByteString.Empty, header.Revision + 1, WatchCreateRequest.Types.FilterType.Noput);
                await watch.NextAsync(call.Ended);
            }
        }
        catch (OperationCanceledException) when (call.IsGivenUp)
        {
            await LeaveAsync(place.Key, place.CreateRevision);
            throw;
        }
    }

    /// <summary>Gives a place up, if it has not been lost.</summary>
    public Task<TxnResponse> LeaveAsync(ByteString key, long createRevision) => call.TxnAsync(new TxnRequest
    {
        Compare = { CoordinationCall.IsCreatedAt(key, createRevision) },
        Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } } },
    });

    /// <summary>At one revision: is the place still there, and which key is just before it?</summary>
    private async Task<(ResponseHeader Header, bool IsThere, ByteString? Before)> LookAsync(QueuePlace place)
    {
        var justBefore = new RangeRequest
        {
            Key = _prefix,
            RangeEnd = _prefixEnd,
            MaxCreateRevision = place.CreateRevision - 1,
            KeysOnly = true,
            SortTarget = RangeRequest.Types.SortTarget.Create,
            SortOrder = RangeRequest.Types.SortOrder.Descend,
            Limit = 1,
        };
        var response = await call.TxnAsync(new TxnRequest
        {
            Compare = { CoordinationCall.IsCreatedAt(place.Key, place.CreateRevision) },
            Success = { new RequestOp { RequestRange = justBefore } },
        });
        var before = response.Succeeded ? response.Responses[0].ResponseRange.Kvs.FirstOrDefault() : null;
        return (response.Header, response.Succeeded, before?.Key);
    }

    /// <summary>As Go writes a signed number.</summary>
    private static string Hexadecimal(long number) => number < 0
        ? "-" + unchecked((ulong)-number).ToString("x", CultureInfo.InvariantCulture)
        : number.ToString("x", CultureInfo.InvariantCulture);

    private static ByteString Join(ByteString start, string end) => ByteString.CopyFrom([.. start.Span, .. System.Text.Encoding.ASCII.GetBytes(end)]);
}
