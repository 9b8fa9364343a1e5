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
        two.Inbox.OnForward = request => Task.FromResult(new ForwardResponse { Index = (ulong)request.Command.Length });
        Assert.Equal(3UL, (await one.Transport.ForwardAsync(Two, Request(bytes: 3), Stop)).Index);
        Assert.Equal(new LogIndex(42), await one.Transport.ReadIndexAsync(Two, Stop));

        two.Inbox.OnForward = _ => throw new CommandRefusedException(StoreError.Compacted);
        var refused = await Assert.ThrowsAsync<CommandRefusedException>(() => one.Transport.ForwardAsync(Two, new(), Stop));
        Assert.Equal(StoreError.Compacted, refused.Error);

        two.Inbox.OnForward = _ => throw new RequestRefusedException(NodeError.TooManyRequests, true);
        var shed = await Assert.ThrowsAsync<RequestRefusedException>(() => one.Transport.ForwardAsync(Two, new(), Stop));
        Assert.Equal(NodeError.TooManyRequests, shed.Error);
        Assert.True(shed.SurelyNotDone);

        two.Inbox.OnForward = _ => throw new RequestRefusedException(NodeError.Timeout);
        Assert.False((await Assert.ThrowsAsync<RequestRefusedException>(() => one.Transport.ForwardAsync(Two, new(), Stop))).SurelyNotDone);
    }

    [Fact]
    public async Task A_request_to_a_member_that_does_not_lead_or_cannot_be_reached_surely_was_not_done()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        await using var waiting = await TestMember.StartAsync(Options(new(4)), serve: false);
        one.Knows((Two, [two.Url]), (new(3), ["http://127.0.0.1:1"]), (new(4), [waiting.Url]));
        two.Inbox.OnForward = _ => throw new RequestRefusedException(NodeError.NotLeader, true);
        foreach (var leader in new[] { Two, new MemberId(3), new(4), new(5) })
        {
            var error = await Assert.ThrowsAsync<ForwardingException>(() => one.Transport.ForwardAsync(leader, new(), Stop));
            Assert.True(error.SurelyNotDone, error.Message);
        }
    }

    [Fact]
    public async Task Each_of_many_requests_at_once_gets_its_own_answer_in_whatever_order_they_come()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        const int Count = 3000;
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        two.Inbox.OnForward = async request =>
        {
            if (request.Command.Length == 0)
            {
                await first.Task;
            }

            return new ForwardResponse { Index = (ulong)request.Command.Length };
        };
        var answers = Enumerable.Range(0, Count).Select(bytes => one.Transport.ForwardAsync(Two, Request(bytes), Stop)).ToArray();
        for (var bytes = 1; bytes < Count; bytes++)
        {
            Assert.Equal((ulong)bytes, (await answers[bytes]).Index);
        }

        Assert.False(answers[0].IsCompleted);
        first.SetResult();
        Assert.Equal(0UL, (await answers[0]).Index);
    }

    [Fact]
    public async Task After_the_leader_came_back_requests_go_to_it_again_and_what_was_under_way_may_have_been_done()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<ForwardResponse> lost;
        await using (var two = await TestMember.StartAsync(Options(Two)))
        {
            one.Knows(two);
            two.Inbox.OnForward = _ =>
            {
                arrived.SetResult();
                return new TaskCompletionSource<ForwardResponse>().Task;
            };
            lost = one.Transport.ForwardAsync(Two, new(), Stop);
            await arrived.Task;
        }

        Assert.False((await Assert.ThrowsAsync<ForwardingException>(() => lost)).SurelyNotDone);
        await using var again = await TestMember.StartAsync(Options(Two));
        one.Knows(again);
        again.Inbox.OnForward = _ => Task.FromResult(new ForwardResponse { Index = 7 });
        Assert.Equal(7UL, (await one.Transport.ForwardAsync(Two, new(), Stop)).Index);
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
    public async Task The_hash_of_a_state_comes_only_from_the_member_that_is_meant_and_only_to_one_of_its_cluster()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var foreign = await TestMember.StartAsync(Options(new(3), cluster: 8));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows((Two, [two.Url]), (new(3), [two.Url]), (new(4), ["http://127.0.0.1:1"]));
        foreign.Knows(two);

        var (answer, _) = await HashAsync(one, Two);
        Assert.Equal((5L, 42u), (answer!.Revision, answer.Hash));
        Assert.Contains($"is member {Two}", (await HashAsync(one, new(3))).Problem, StringComparison.Ordinal);
        Assert.Contains("http://127.0.0.1:1", (await HashAsync(one, new(4))).Problem, StringComparison.Ordinal);
        Assert.NotEmpty((await HashAsync(one, new(5))).Problem);
        Assert.Contains("belongs to cluster 7", (await HashAsync(foreign, Two)).Problem, StringComparison.Ordinal);

        static Task<(StateHashResponse? Answer, string Problem)> HashAsync(TestMember by, MemberId of) =>
            by.Transport.StateHashAsync(of, new() { Revision = 5 }, TimeSpan.FromSeconds(30), Stop);
    }

    [Fact]
    public async Task Requests_of_a_removed_member_are_surely_not_done()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        two.Inbox.Removed[One] = true;
        two.Inbox.OnForward = _ => Task.FromResult(new ForwardResponse());
        one.Knows(two);
        Assert.True((await Assert.ThrowsAsync<ForwardingException>(() => one.Transport.ForwardAsync(Two, new(), Stop))).SurelyNotDone);
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

    [Fact]
    public async Task All_are_asked_who_is_in_the_cluster_and_who_does_not_answer_is_left_out()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        await using var waiting = await TestMember.StartAsync(Options(new(0x3333)), serve: false);

        var answers = await PeerTransport.MembersByAllAsync(["http://127.0.0.1:1", two.Url, waiting.Url, one.Url], Options(One), Stop);

        Assert.Equal([two.Url, one.Url], answers.Select(asked => asked.Url));
        Assert.All(answers, asked => Assert.Equal(7UL, asked.Answer.ClusterId));
    }

    [Fact]
    public async Task A_member_tells_which_members_have_called_it_but_of_no_strangers()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        await using var stranger = await TestMember.StartAsync(Options(new(0x3333)));
        two.Knows(one);
        Assert.Empty(await HeardAsync());

        foreach (var caller in new[] { one, stranger })
        {
            caller.Knows(two);
            await Condition.MetAsync(() => caller.Transport.IsConnected(Two), "connected");
            caller.Transport.Send([Heartbeat(1) with { From = caller.Id }]);
            Assert.Equal(caller.Id, (await two.Inbox.NextAsync()).From);
        }

        Assert.Equal([One.Value], await HeardAsync());

        async Task<IEnumerable<ulong>> HeardAsync() => (await PeerTransport.MembersAsync([two.Url], Options(One), Stop)).Heard;
    }

    private static ForwardRequest Request(int bytes) => new() { Command = Google.Protobuf.ByteString.CopyFrom(new byte[bytes]) };
}
