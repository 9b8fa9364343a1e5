using Raft.Consensus;
using static Raft.Transport.Tests.TestMessages;

namespace Raft.Transport.Tests;

public sealed class MessagesTests
{
    [Fact]
    public async Task Messages_arrive_in_order_and_as_they_were()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        for (ulong i = 1; i <= 3000; i += 3)
        {
            one.Transport.Send([Heartbeat(i), Heartbeat(i + 1), Heartbeat(i + 2)]);
        }

        for (ulong i = 1; i <= 3000; i++)
        {
            Assert.Equal(i, (await two.Inbox.NextAsync()).Context);
        }
    }

    [Fact]
    public async Task A_message_of_many_megabytes_arrives()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        var data = new byte[100 * 1024 * 1024];
        new Random(1).NextBytes(data);
        one.Transport.Send([Append(5, data)]);
        var message = await two.Inbox.NextAsync();
        Assert.Equal(new EntryId(new(2), new(4)), message.Log);
        Assert.True(message.Entries.Single().Data.Span.SequenceEqual(data));
    }

    [Fact]
    public async Task A_heartbeat_does_not_wait_for_appends_that_the_receiver_is_slow_to_read()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        var data = new byte[2 * 1024 * 1024];
        one.Transport.Send([.. Enumerable.Range(1, 30).Select(i => Append((ulong)i, data)), Heartbeat(99)]);
        var before = 0;
        while ((await two.Inbox.NextAsync()).Kind != MessageKind.HeartbeatRequest)
        {
            before++;
        }

        Assert.InRange(before, 0, 20);
    }

    [Fact]
    public async Task After_the_other_member_was_away_messages_flow_again()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        var two = await TestMember.StartAsync(Options(Two));
        var port = two.Port;
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        await two.DisposeAsync();
        await Condition.MetAsync(() => !one.Inbox.UnreachableMembers.IsEmpty, "told that it is unreachable");
        await one.Log.SaysAsync("No connection to peer 2222");

        await using var again = await TestMember.StartAsync(Options(Two), port);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected again");
        one.Transport.Send([Heartbeat(7)]);
        Assert.Equal(7UL, (await again.Inbox.NextAsync()).Context);
    }

    [Fact]
    public async Task That_nothing_listens_at_any_of_a_members_urls_is_told()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using (var two = await TestMember.StartAsync(Options(Two)))
        {
            one.Knows((Two, ["http://127.0.0.1:1", two.Url]));
            await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected by the last URL");
            Assert.False(one.Inbox.ToldRefused.Task.IsCompleted);
        }

        Assert.Equal(Two, await one.Inbox.ToldRefused.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_member_that_calls_is_called_back_at_once()
    {
        var patient = Options(One) with { BackoffMin = TimeSpan.FromHours(1), BackoffMax = TimeSpan.FromHours(1) };
        await using var one = await TestMember.StartAsync(patient);
        var two = await TestMember.StartAsync(Options(Two));
        var port = two.Port;
        await two.DisposeAsync();
        one.Knows((Two, [$"http://127.0.0.1:{port}"]));
        await one.Log.SaysAsync("for messages");
        await one.Log.SaysAsync("for appends");

        await using var again = await TestMember.StartAsync(Options(Two), port);
        again.Knows(one);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "called back");
    }

    [Fact]
    public async Task Every_url_of_a_member_is_tried()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows((Two, ["http://127.0.0.1:1", "not a url", two.Url]));
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected by the last URL");
        one.Knows((Two, ["http://127.0.0.1:1"]), (new(3), [two.Url]));
        await one.Log.SaysAsync("the member there is 2222, not 3");
    }

    [Fact]
    public async Task Sending_to_a_member_that_does_not_answer_drops_what_is_too_much_and_never_blocks()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        await using var one = await TestMember.StartAsync(Options(One) with { QueuedMessagesMax = 10, QueuedBytesMax = 1000 });
        one.Knows((Two, [$"http://{silent.LocalEndpoint}"]));
        one.Transport.Send([.. Enumerable.Range(1, 10).Select(i => Heartbeat((ulong)i))]);
        Assert.Empty(one.Inbox.UnreachableMembers);
        one.Transport.Send([Heartbeat(11), Append(1, new byte[5000]), Append(2, new byte[10])]);
        Assert.Equal([Two, Two], one.Inbox.UnreachableMembers);
        one.Transport.Send([Heartbeat(1) with { To = new(77) }]); // nobody known: lost, as on any network
    }

    [Fact]
    public async Task A_member_of_another_cluster_is_refused_and_refuses()
    {
        await using var one = await TestMember.StartAsync(Options(One, cluster: 0xAAA));
        await using var two = await TestMember.StartAsync(Options(Two, cluster: 0xBBB));
        one.Knows(two);
        one.Transport.Send([Heartbeat(1)]);
        await two.Log.SaysAsync("belongs to cluster bbb, not to aaa");
        await one.Log.SaysAsync("belongs to cluster bbb, not to aaa");
        Assert.False(one.Transport.IsConnected(Two));
        Assert.Equal(0, two.Inbox.MessagesWaiting);
    }

    [Fact]
    public async Task A_member_that_was_removed_is_refused_and_told_so()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        two.Inbox.Removed[One] = true;
        one.Knows(two);
        Assert.Equal(Two, await one.Inbox.ToldRemoved.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await one.Log.SaysAsync("member 1111 has been removed from the cluster");
    }

    [Fact]
    public async Task A_member_that_is_removed_while_it_is_connected_is_refused_with_its_next_message()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        two.Inbox.Removed[One] = true;
        one.Transport.Send([Heartbeat(1)]);
        await one.Inbox.ToldRemoved.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(0, two.Inbox.MessagesWaiting);
    }

    [Fact]
    public async Task A_member_that_waits_for_its_identity_takes_no_messages()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two), serve: false);
        one.Knows(two);
        await one.Log.SaysAsync("this member has not been started in a cluster");
    }

    [Fact]
    public async Task A_message_that_pretends_to_come_from_someone_else_ends_the_stream()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        one.Transport.Send([Heartbeat(1) with { From = new(3) }]);
        await two.Log.SaysAsync("sent a message from 3");
        Assert.Equal(0, two.Inbox.MessagesWaiting);
    }

    [Fact]
    public async Task A_member_that_is_forgotten_is_no_longer_called()
    {
        await using var one = await TestMember.StartAsync(Options(One));
        await using var two = await TestMember.StartAsync(Options(Two));
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected");
        one.Knows();
        Assert.False(one.Transport.IsConnected(Two));
        one.Transport.Send([Heartbeat(1)]);
        one.Knows(two);
        await Condition.MetAsync(() => one.Transport.IsConnected(Two), "connected again");
        one.Transport.Send([Heartbeat(2)]);
        Assert.Equal(2UL, (await two.Inbox.NextAsync()).Context);
    }
}
