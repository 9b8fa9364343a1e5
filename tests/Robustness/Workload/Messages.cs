using Google.Protobuf;
using Grpc.Core;
using Raft.Linearizability;
using Raft.Protocol.Etcd;

namespace Raft.Robustness.Tests.Workload;

/// <summary>Requests of a history as etcd's messages, and the answers back. Writes ask for what they replace, so that every answer says much.</summary>
internal static class Messages
{
    /// <summary>Whether a request can change anything.</summary>
    public static bool MayWrite(Request request) => request.Then.Concat(request.Else).Any(step => step is not Step.Get);

    public static async Task<Response> SendAsync(KV.KVClient kv, Request request, CallOptions options)
    {
        switch (request)
        {
            case { If.IsEmpty: true, Then: [Step.Get get], IsSerializable: var isSerializable }:
                var range = Get(get);
                range.Serializable = isSerializable;
                var found = await kv.RangeAsync(range, options);
                return new Response(true, found.Header.Revision, [Result(found)]);
            case { If.IsEmpty: true, Then: [Step.Put put] }:
                var written = await kv.PutAsync(Put(put), options);
                return new Response(true, written.Header.Revision, [Result(written)]);
            case { If.IsEmpty: true, Then: [Step.Delete delete] }:
                var deleted = await kv.DeleteRangeAsync(Delete(delete), options);
                return new Response(true, deleted.Header.Revision, [Result(deleted)]);
            default:
                var txn = new TxnRequest { Compare = { request.If.Select(Compare) }, Success = { request.Then.Select(Operation) }, Failure = { request.Else.Select(Operation) } };
                var answer = await kv.TxnAsync(txn, options);
                return new Response(answer.Succeeded, answer.Header.Revision, [.. answer.Responses.Select(Result)]);
        }
    }

    private static RangeRequest Get(Step.Get step) => new() { Key = Bytes(step.Key) };

    private static PutRequest Put(Step.Put step) => new() { Key = Bytes(step.Key), Value = Bytes(step.Value), PrevKv = true };

    private static DeleteRangeRequest Delete(Step.Delete step) => new() { Key = Bytes(step.Key), PrevKv = true };

    private static RequestOp Operation(Step step) => step switch
    {
        Step.Get get => new RequestOp { RequestRange = Get(get) },
        Step.Put put => new RequestOp { RequestPut = Put(put) },
        Step.Delete delete => new RequestOp { RequestDeleteRange = Delete(delete) },
        _ => throw new ArgumentException($"An unknown step: {step}.", nameof(step)),
    };

    private static Compare Compare(Comparison comparison) => comparison switch
    {
        Comparison.Value value => new Compare { Key = Bytes(comparison.Key), Target = Protocol.Etcd.Compare.Types.CompareTarget.Value, Value = Bytes(value.Expected) },
        Comparison.ModRevision mod => new Compare { Key = Bytes(comparison.Key), Target = Protocol.Etcd.Compare.Types.CompareTarget.Mod, ModRevision = mod.Expected },
        Comparison.Version version => new Compare { Key = Bytes(comparison.Key), Target = Protocol.Etcd.Compare.Types.CompareTarget.Version, Version = version.Expected },
        _ => throw new ArgumentException($"An unknown comparison: {comparison}.", nameof(comparison)),
    };

    private static StepResult Result(ResponseOp response) => response.ResponseCase switch
    {
        ResponseOp.ResponseOneofCase.ResponseRange => Result(response.ResponseRange),
        ResponseOp.ResponseOneofCase.ResponsePut => Result(response.ResponsePut),
        _ => Result(response.ResponseDeleteRange),
    };

    private static StepResult Result(RangeResponse response) => new(Seen(response.Kvs.FirstOrDefault()));

    private static StepResult Result(PutResponse response) => new(Seen(response.PrevKv));

    private static StepResult Result(DeleteRangeResponse response) => new(Seen(response.PrevKvs.FirstOrDefault()), response.Deleted);

    private static Observation Seen(Protocol.Etcd.KeyValue? pair) =>
        pair is null ? Observation.Absent : new Observation(pair.Value.ToStringUtf8(), pair.Version, pair.ModRevision);

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
