using Grpc.Core;
using Raft.Consensus;
using Raft.Protocol.V1;
using static Raft.Transport.Tests.TestMessages;

namespace Raft.Transport.Tests;

public sealed class CallsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_is_forwarded_and_answered_and_an_error_comes_back_as_it_was()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        two.Inbox.OnForward = request => Task.FromResult(new ForwardResponse { Index = request.From });
        Assert.Equal(One.Value, (await one.Transport.ForwardAsync(Two, new(), Stop)).Index);
        Assert.Equal(new LogIndex(42), await one.Transport.ReadIndexAsync(Two, Stop));

        two.Inbox.OnForward = _ => throw new RpcException(new(StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded"));
        var error = await Assert.ThrowsAsync<RpcException>(() => one.Transport.ForwardAsync(Two, new(), Stop));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Equal("etcdserver: mvcc: database space exceeded", error.Status.Detail);
    }

    [Fact]
    public async Task A_request_to_a_leader_that_is_unknown_or_away_is_unavailable()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        one.Knows((Two, ["http://127.0.0.1:1"]));
        foreach (var leader in new[] { Two, new MemberId(3) })
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => one.Transport.ReadIndexAsync(leader, Stop));
            Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        }
    }

    [Fact]
    public async Task Requests_of_removed_members_and_other_clusters_are_refused()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var foreign = await TestMember.StartAsync(Options(new(3), cluster: 8));
        await using var two = await TestMember.StartAsync(Options(Two));
        two.Inbox.Removed[One] = true;
        one.Knows(two);
        foreign.Knows(two);
        var removed = await Assert.ThrowsAsync<RpcException>(() => one.Transport.ReadIndexAsync(Two, Stop));
        Assert.Equal(StatusCode.PermissionDenied, removed.StatusCode);
        var stranger = await Assert.ThrowsAsync<RpcException>(() => foreign.Transport.ReadIndexAsync(Two, Stop));
        Assert.Equal(StatusCode.FailedPrecondition, stranger.StatusCode);
    }

    [Fact]
    public async Task The_members_of_a_cluster_are_told_by_the_first_url_that_answers()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        var answer = await PeerTransport.MembersAsync(["http://127.0.0.1:1", two.Url], Options(One), Stop);
        Assert.Equal(7UL, answer.ClusterId);
        Assert.Equal(9UL, Assert.Single(answer.Members).ID);
        await Assert.ThrowsAsync<RpcException>(() => PeerTransport.MembersAsync(["http://127.0.0.1:1"], Options(One), Stop));
    }
}
