using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Raft.Benchmarks.Loads;
using Raft.Protocol.Etcd;
using Pair = Raft.Protocol.Etcd.KeyValue;

namespace Raft.Benchmarks.Servers;

/// <summary>What the services of the ceiling answer, whatever is asked.</summary>
internal static class CeilingAnswers
{
    public static ResponseHeader Header { get; } = new()
    {
        ClusterId = ulong.MaxValue / 3,
        MemberId = ulong.MaxValue / 5,
        Revision = 1_000_000,
        RaftTerm = 2,
    };

    public static Pair PairOf(int number) => new()
    {
        Key = ByteString.CopyFromUtf8(KeySpace.Name(number)),
        Value = ByteString.CopyFrom(KeySpace.NewValue(number)),
        CreateRevision = 1_000,
        ModRevision = 1_000_000,
        Version = 10,
    };
}

internal sealed class KeyValueCeiling : KV.KVBase
{
    private static readonly RangeResponse OneKey = Keys(1);
    private static readonly RangeResponse ManyKeys = Keys(LoadList.KeysOfRange);

    public override Task<RangeResponse> Range(RangeRequest request, ServerCallContext context) =>
        Task.FromResult(request.RangeEnd.IsEmpty ? OneKey : ManyKeys);

    public override async Task<PutResponse> Put(PutRequest request, ServerCallContext context)
    {
        await WatchCeiling.TellAllAsync();
        return new PutResponse { Header = CeilingAnswers.Header };
    }

    public override Task<TxnResponse> Txn(TxnRequest request, ServerCallContext context)
    {
        var response = new TxnResponse { Header = CeilingAnswers.Header, Succeeded = true };
        foreach (var _ in request.Success)
        {
            response.Responses.Add(new ResponseOp { ResponsePut = new PutResponse { Header = CeilingAnswers.Header } });
        }

        return Task.FromResult(response);
    }

    private static RangeResponse Keys(int count) =>
        new() { Header = CeilingAnswers.Header, Count = count, Kvs = { Enumerable.Range(0, count).Select(CeilingAnswers.PairOf) } };
}

internal sealed class LeaseCeiling : Lease.LeaseBase
{
    public override Task<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request, ServerCallContext context) =>
        Task.FromResult(new LeaseGrantResponse { Header = CeilingAnswers.Header, ID = request.ID, TTL = request.TTL });

    public override Task<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request, ServerCallContext context) =>
        Task.FromResult(new LeaseRevokeResponse { Header = CeilingAnswers.Header });
}

/// <summary>Every put, whatever its key, is an event to all streams of this member, always the same.</summary>
internal sealed class WatchCeiling : Watch.WatchBase
{
    private static readonly ConcurrentDictionary<IServerStreamWriter<WatchResponse>, bool> Streams = [];

    private static readonly WatchResponse Created = new() { Header = CeilingAnswers.Header, Created = true };

    private static readonly WatchResponse Told = new()
    {
        Header = CeilingAnswers.Header,
        Events = { new Event { Type = Event.Types.EventType.Put, Kv = CeilingAnswers.PairOf(0) } },
    };

    public static Task TellAllAsync() =>
        Streams.IsEmpty ? Task.CompletedTask : Task.WhenAll(Streams.Select(static stream => stream.Key.WriteAsync(Told)));

    public override async Task Watch(
        IAsyncStreamReader<WatchRequest> requestStream, IServerStreamWriter<WatchResponse> responseStream, ServerCallContext context)
    {
        await requestStream.MoveNext(context.CancellationToken);
        await responseStream.WriteAsync(Created);
        Streams.TryAdd(responseStream, true);
        try
        {
            await requestStream.MoveNext(context.CancellationToken);
        }
        finally
        {
            Streams.TryRemove(responseStream, out _);
        }
    }
}
