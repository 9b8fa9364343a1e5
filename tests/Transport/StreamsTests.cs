using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Raft.Protocol.V1;
using static Raft.Transport.Tests.TestMessages;

namespace Raft.Transport.Tests;

/// <summary>Streams whose other end does not do what it should.</summary>
public sealed class StreamsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_that_comes_in_single_bytes_is_read_like_any_other()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenAsync(two);
        byte[] all = [.. PeerConnection.Preface, .. RawStream.Frame(RawStream.Hello(two)), .. RawStream.Frame(null), .. Heartbeats(5, 6)];
        foreach (var part in all)
        {
            await stream.SendAsync(new[] { part });
        }

        Assert.Equal(5UL, (await two.Inbox.NextAsync()).Context);
        Assert.Equal(6UL, (await two.Inbox.NextAsync()).Context);
    }

    [Fact]
    public async Task More_streams_than_there_are_threads_for_are_all_read()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        List<RawStream> streams = [];
        for (ulong context = 1; context <= 80; context++)
        {
            streams.Add(await RawStream.OpenTakenAsync(two));
            await streams[^1].SendAsync(Heartbeats(context));
            Assert.Equal(context, (await two.Inbox.NextAsync()).Context);
        }

        await streams[0].SendAsync(Heartbeats(81));
        Assert.Equal(81UL, (await two.Inbox.NextAsync()).Context);
        streams.ForEach(static stream => stream.Dispose());
    }

    [Theory]
    [InlineData("")]
    [InlineData("RAF")]
    [InlineData("RAFT/1\r\n")]
    [InlineData("RAFT/1\r\n\0\0")]
    public async Task A_connection_that_does_not_say_what_it_is_for_is_closed(string said)
    {
        await using var two = await TestMember.StartAsync(Options(Two), patience: TimeSpan.FromMilliseconds(50));
        using var stream = await RawStream.OpenAsync(two);
        await stream.SendAsync(System.Text.Encoding.ASCII.GetBytes(said));
        Assert.Null(await stream.ReadAsync(PeerReply.Parser));
    }

    [Fact]
    public async Task A_stream_of_a_version_that_is_unknown_is_refused_and_told_so()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenAsync(two);
        await stream.SendAsync([.. "RAFT/9\r\n"u8, .. RawStream.Frame(RawStream.Hello(two)), .. Heartbeats(1)]);
        var refusal = (await stream.ReadAsync(PeerReply.Parser))!.Refusal;
        Assert.Equal("this member speaks RAFT/1, not RAFT/9", refusal.Message);
        Assert.Equal((uint)StatusCode.Unimplemented, refusal.Code);
        await two.Log.SaysAsync("not RAFT/9");
        Assert.Equal(0, two.Inbox.MessagesWaiting);
    }

    [Fact]
    public async Task A_frame_that_is_announced_too_large_is_refused_before_it_comes()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenTakenAsync(two);
        await stream.SendAsync(new byte[] { 0x80, 0, 0, 0 });
        var refusal = (await stream.ReadAsync(PeerReply.Parser))!.Refusal;
        Assert.Contains("a frame of 2147483648 bytes is announced", refusal.Message, StringComparison.Ordinal);
        await two.Log.SaysAsync("Refused peer 1111: a frame of 2147483648 bytes is announced");
        await StillServesAsync(two);
    }

    /// <summary>What is a fair size for a member's frame is much for somebody who has not said yet who it is.</summary>
    [Fact]
    public async Task A_stranger_gets_room_for_a_name_only()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenAsync(two);
        await stream.SendAsync([.. PeerConnection.Preface, 0, 0, 0x20, 0]);
        await two.Log.SaysAsync("a frame of 8192 bytes is announced, and 4096 are allowed");
        await StillServesAsync(two);
    }

    [Fact]
    public async Task A_stream_that_ends_within_a_frame_delivers_what_was_whole()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenTakenAsync(two);
        await stream.SendAsync(Heartbeats(1, 2)[..^1]);
        stream.EndSending();
        await two.Log.SaysAsync("Refused peer 1111: the connection ended in the middle of a frame");
        Assert.Equal(1UL, (await two.Inbox.NextAsync()).Context);
        Assert.Equal(0, two.Inbox.MessagesWaiting);
        await StillServesAsync(two);
    }

    [Fact]
    public async Task A_frame_of_something_else_ends_the_stream()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenTakenAsync(two);
        await stream.SendAsync([0, 0, 0, 3, 0xFF, 0xFF, 0xFF, .. Heartbeats(1)]);
        Assert.Equal((uint)StatusCode.InvalidArgument, (await stream.ReadAsync(PeerReply.Parser))!.Refusal.Code);
        await two.Log.SaysAsync("Refused peer 1111");
        Assert.Equal(0, two.Inbox.MessagesWaiting);
        await StillServesAsync(two);
    }

    [Fact]
    public async Task A_first_frame_of_something_else_is_refused_with_the_address_that_it_came_from()
    {
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenAsync(two);
        await stream.SendAsync([.. PeerConnection.Preface, 0, 0, 0, 1, 0xFF]);
        await two.Log.SaysAsync("Refused a connection from 127.0.0.1:");
    }

    [Fact]
    public async Task A_sender_that_falls_silent_is_given_up()
    {
        await using var two = await TestMember.StartAsync(Patient(Options(Two), TimeSpan.FromMilliseconds(20)));
        using var stream = await RawStream.OpenTakenAsync(two);
        Assert.Null(await stream.ReadAsync(PeerReply.Parser));
    }

    [Fact]
    public async Task A_sender_that_answers_probes_may_have_nothing_to_say_for_long()
    {
        await using var two = await TestMember.StartAsync(Patient(Options(Two), TimeSpan.FromMinutes(1)));
        using var stream = await RawStream.OpenTakenAsync(two);
        for (var probe = 0; probe < 5; probe++)
        {
            Assert.Empty((await stream.ReadFrameAsync())!);
            await stream.SendAsync(RawStream.Frame(null));
        }

        await stream.SendAsync(Heartbeats(1));
        Assert.Equal(1UL, (await two.Inbox.NextAsync()).Context);
    }

    [Fact]
    public async Task A_receiver_that_falls_silent_is_given_up_and_what_was_forwarded_to_it_may_have_been_done()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var one = await TestMember.StartAsync(Patient(Options(One), TimeSpan.FromMilliseconds(200)));
        var taken = new List<RawStream>();
        one.Knows((Two, [$"http://{listener.LocalEndpoint}"]));
        var request = one.Transport.ForwardAsync(Two, new() { ReadIndex = new() }, Stop);
        while (!request.IsCompleted)
        {
            var accepting = listener.AcceptTcpClientAsync(Stop).AsTask();
            if (await Task.WhenAny(accepting, request) == accepting)
            {
                var stream = new RawStream(await accepting);
                taken.Add(stream);
                Assert.Equal(PeerConnection.Preface.ToArray(), await stream.ReadBytesAsync(PeerConnection.Preface.Length));
                Assert.Equal(Two.Value, (await stream.ReadAsync(PeerFrame.Parser))!.To);
                await stream.SendAsync(RawStream.Frame(new PeerReply { ClusterId = 7, Member = Two.Value }));
            }
        }

        var lost = await Assert.ThrowsAsync<Node.Ports.ForwardingException>(() => request);
        Assert.Contains("silent", lost.Message, StringComparison.Ordinal);
        Assert.False(lost.SurelyNotDone);
        await one.Log.SaysAsync("the other side has been silent for 0.22 s");
        taken.ForEach(stream => stream.Dispose());
    }

    [Fact]
    public async Task What_answers_in_another_language_is_no_peer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var one = await TestMember.StartAsync(Options(One));
        one.Knows((Two, [$"http://{listener.LocalEndpoint}"]));
        using var stream = new RawStream(await listener.AcceptTcpClientAsync(Stop));
        await stream.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        await one.Log.SaysAsync("what answers there is no peer");
    }

    private static PeerOptions Patient(PeerOptions options, TimeSpan timeout) =>
        options with { KeepAliveDelay = TimeSpan.FromMilliseconds(20), KeepAliveTimeout = timeout };

    private static byte[] Heartbeats(params ulong[] numbers) =>
        [.. numbers.SelectMany(number => RawStream.Frame(new PeerFrame { Messages = { MessageMapping.ToWire(Heartbeat(number)) } }))];

    private static async Task StillServesAsync(TestMember member)
    {
        using var stream = await RawStream.OpenTakenAsync(member);
        await stream.SendAsync(Heartbeats(77));
        Assert.Equal(77UL, (await member.Inbox.NextAsync()).Context);
    }
}
