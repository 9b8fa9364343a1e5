using Grpc.Core;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node;
using Raft.Node.Ports;
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

        two.Inbox.OnForward = _ => throw Refusals.ToWire(new CommandRefusedException(StoreError.Compacted));
        var refused = await Assert.ThrowsAsync<CommandRefusedException>(() => one.Transport.ForwardAsync(Two, new(), Stop));
        Assert.Equal(StoreError.Compacted, refused.Error);

        two.Inbox.OnForward = _ => throw Refusals.ToWire(new RequestRefusedException(NodeError.TooManyRequests, true));
        var shed = await Assert.ThrowsAsync<RequestRefusedException>(() => one.Transport.ForwardAsync(Two, new(), Stop));
        Assert.Equal(NodeError.TooManyRequests, shed.Error);
        Assert.True(shed.SurelyNotDone);

        two.Inbox.OnForward = _ => throw Refusals.ToWire(new RequestRefusedException(NodeError.Timeout));
        Assert.False((await Assert.ThrowsAsync<RequestRefusedException>(() => one.Transport.ForwardAsync(Two, new(), Stop))).SurelyNotDone);
    }

    [Fact]
    public async Task A_request_to_a_member_that_does_not_lead_or_cannot_be_reached_surely_was_not_done()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        await using var waiting = await TestMember.StartAsync(Options(new(4)), serve: false);
        one.Knows((Two, [two.Url]), (new(3), ["http://127.0.0.1:1"]), (new(4), [waiting.Url]));
        two.Inbox.OnForward = _ => throw Refusals.ToWire(new RequestRefusedException(NodeError.NotLeader, true));
        foreach (var leader in new[] { Two, new MemberId(3), new(4), new(5) })
        {
            var error = await Assert.ThrowsAsync<ForwardingException>(() => one.Transport.ForwardAsync(leader, new(), Stop));
            Assert.True(error.SurelyNotDone, error.Message);
        }
    }

    [Fact]
    public async Task A_request_whose_answer_is_lost_may_have_been_done()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        two.Inbox.OnForward = _ =>
        {
            arrived.SetResult();
            throw new IOException("the member dies");
        };
        var error = await Assert.ThrowsAsync<ForwardingException>(() => one.Transport.ForwardAsync(Two, new(), Stop));
        await arrived.Task;
        Assert.False(error.SurelyNotDone);
        await two.DisposeAsync();
    }

    [Fact]
    public async Task A_member_that_joins_answers_before_its_state_tells_it_who_the_others_are()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        await using var one = await TestMember.StartAsync(
            Options(One) with { InitialPeers = new Dictionary<MemberId, IReadOnlyList<string>> { [Two] = [two.Url] } });
        one.Knows();
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        one.Knows((new(3), ["http://127.0.0.1:1"]));
        Assert.False(one.Transport.IsConnected(Two));
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
        Assert.Contains("removed", (await Refused(one)).Message, StringComparison.Ordinal);
        Assert.Contains("belongs to cluster 7", (await Refused(foreign)).Message, StringComparison.Ordinal);

        async Task<ForwardingException> Refused(TestMember by) =>
            await Assert.ThrowsAsync<ForwardingException>(() => by.Transport.ReadIndexAsync(Two, Stop));
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
