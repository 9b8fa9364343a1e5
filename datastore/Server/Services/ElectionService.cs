using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Protocol.Etcd.Elections;
using Raft.Server.Coordination;
using Pair = Raft.Protocol.Etcd.KeyValue;

namespace Raft.Server.Services;

/// <summary>
/// v3electionpb.Election: candidates are the places of a <see cref="KeyQueue"/>, the first one leads, and the value of its key is
/// what it proclaims.
/// </summary>
internal sealed class ElectionService(CoordinationCalls calls) : Protocol.Etcd.Elections.Election.ElectionBase
{
    private const string LeaderMissing = "\"leader\" field must be provided";
    private const string NoLeader = "election: no leader";
    private const string NotLeader = "election: not leader";

    /// <remarks>
    /// etcd lets a candidate win whose key went with its lease while it waited; here it is told that it does not lead. As there,
    /// the header is that of the entry into the election, not of the victory.
    /// </remarks>
    public override Task<CampaignResponse> Campaign(CampaignRequest request, ServerCallContext context) => calls.RunAsync(context, async call =>
    {
        var queue = new KeyQueue(call, request.Name);
        var place = await queue.EnterAsync(await call.LeaseAsync(request.Lease), request.Value);
        if (place.Value != request.Value)
        {
            await ProclaimAsync(call, place.Key, place.CreateRevision, place.Lease, request.Value);
        }

        if (!place.IsFirst && await queue.WaitUntilFirstAsync(place) is null)
        {
            throw CoordinationCall.Refusal(NotLeader);
        }

        return new CampaignResponse
        {
            Header = place.Header,
            Leader = new LeaderKey { Name = request.Name, Key = place.Key, Rev = place.CreateRevision, Lease = place.Lease },
        };
    });

    public override Task<ProclaimResponse> Proclaim(ProclaimRequest request, ServerCallContext context) => calls.RunAsync(context, async call =>
    {
        var leader = request.Leader ?? throw CoordinationCall.Refusal(LeaderMissing);
        var lease = await call.LeaseAsync(leader.Lease);
        return new ProclaimResponse { Header = await ProclaimAsync(call, leader.Key, leader.Rev, lease, request.Value) };
    });

    public override Task<LeaderResponse> Leader(LeaderRequest request, ServerCallContext context) => calls.RunAsync(context, async call =>
    {
        var response = await call.RangeAsync(new KeyQueue(call, request.Name).First);
        return new LeaderResponse { Header = response.Header, Kv = response.Kvs.FirstOrDefault() ?? throw CoordinationCall.Refusal(NoLeader) };
    });

    public override Task Observe(LeaderRequest request, IServerStreamWriter<LeaderResponse> responseStream, ServerCallContext context) =>
        calls.RunAsync<LeaderResponse>(context, async call =>
        {
            var queue = new KeyQueue(call, request.Name);
            while (true)
            {
                var found = await call.RangeAsync(queue.First);
                var leader = found.Kvs.FirstOrDefault() ?? await FirstCandidateAsync(call, queue, found.Header.Revision + 1);
                if (leader is not null)
                {
                    var seen = found.Kvs.Count > 0 ? found.Header : call.HeaderAt(leader.ModRevision);
                    await responseStream.WriteAsync(new LeaderResponse { Header = seen, Kv = leader }, call.Ended);
                    await FollowAsync(call, leader.Key, seen.Revision + 1, responseStream);
                }
            }
        });

    public override Task<ResignResponse> Resign(ResignRequest request, ServerCallContext context) => calls.RunAsync(context, async call =>
    {
        var leader = request.Leader ?? throw CoordinationCall.Refusal(LeaderMissing);
        var response = await new KeyQueue(call, leader.Name).LeaveAsync(leader.Key, leader.Rev);
        return new ResignResponse { Header = response.Header };
    });

    private static async Task<ResponseHeader> ProclaimAsync(CoordinationCall call, ByteString key, long createRevision, long lease, ByteString value)
    {
        var response = await call.TxnAsync(new TxnRequest
        {
            Compare = { CoordinationCall.IsCreatedAt(key, createRevision) },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease } } },
        });
        return response.Succeeded ? response.Header : throw CoordinationCall.Refusal(NotLeader);
    }

    /// <summary>Waits for an election's first candidate. Null: look again.</summary>
    private static async Task<Pair?> FirstCandidateAsync(CoordinationCall call, KeyQueue queue, long fromRevision)
    {
        using var watch = call.Watch();
        queue.AddTo(watch, fromRevision);
        return (await watch.NextAsync(call.Ended))?.Kv;
    }

    /// <summary>Tells what a leader says until it leads no more, or until it said so much that it has to be looked at again.</summary>
    private static async Task FollowAsync(CoordinationCall call, ByteString key, long fromRevision, IServerStreamWriter<LeaderResponse> responses)
    {
        using var watch = call.Watch();
        watch.Add(key, ByteString.Empty, fromRevision);
        while (await watch.NextAsync(call.Ended) is { Type: Event.Types.EventType.Put } said)
        {
            await responses.WriteAsync(new LeaderResponse { Header = call.HeaderAt(said.Kv.ModRevision), Kv = said.Kv }, call.Ended);
        }
    }
}
