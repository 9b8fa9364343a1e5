using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Tests;

/// <summary>Shapes of answers in which etcd's services are not alike, all found by comparing with it: see docs/compatibility.md.</summary>
public sealed class AnswerShapeTests
{
    [Fact]
    public async Task Headers_alarms_and_urls_are_as_in_etcd()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var channel = cluster.Channel(cluster.Members[0]);
        var (members, maintenance) = (new Cluster.ClusterClient(channel), new Maintenance.MaintenanceClient(channel));

        var list = await members.MemberListAsync(new() { Linearizable = true });
        Assert.Equal(0, list.Header.Revision);
        Assert.Null((await maintenance.DefragmentAsync(new())).Header);
        Assert.Null((await maintenance.MoveLeaderAsync(new() { TargetID = list.Members[0].ID })).Header);

        await maintenance.AlarmAsync(new() { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = AlarmType.Nospace, MemberID = 7 });
        await maintenance.AlarmAsync(new() { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = AlarmType.Corrupt });
        Assert.Equal(["alarm:CORRUPT ", "memberID:7 alarm:NOSPACE "], (await maintenance.StatusAsync(new())).Errors.Order(StringComparer.Ordinal));

        var badUrl = await Assert.ThrowsAsync<RpcException>(async () => await members.MemberAddAsync(new() { PeerURLs = { "http://127.0.0.1:1/" } }));
        Assert.Equal("etcdserver: given member URLs are invalid", badUrl.Status.Detail);
        var unknown = await Assert.ThrowsAsync<RpcException>(async () => await members.MemberUpdateAsync(new() { ID = 7, PeerURLs = { "http://" } }));
        Assert.Equal("etcdserver: member not found", unknown.Status.Detail);
    }

    [Theory]
    [InlineData("etcdserverpb.KV", "Defragment")]
    [InlineData("etcdserverpb.Nothing", "Put")]
    public async Task A_method_that_there_is_not_is_said_to_be_unimplemented(string service, string name)
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var put = Marshallers.Create(static (PutRequest request) => request.ToByteArray(), PutRequest.Parser.ParseFrom);
        var method = new Method<PutRequest, PutRequest>(MethodType.Unary, service, name, put, put);
        var calls = cluster.Channel(cluster.Members[0]).CreateCallInvoker();
        var refusal = await Assert.ThrowsAsync<RpcException>(() => calls.AsyncUnaryCall(method, null, default, new()).ResponseAsync);
        Assert.Equal(StatusCode.Unimplemented, refusal.StatusCode);
        Assert.Equal("Method is unimplemented.", refusal.Status.Detail);
    }
}
