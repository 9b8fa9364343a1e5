using System.Diagnostics.Metrics;
using Google.Protobuf;
using Raft.Node;
using Raft.Protocol.V1;
using static Raft.Transport.Tests.TestMessages;

namespace Raft.Transport.Tests;

/// <summary>What answers to forwarded requests may take.</summary>
public sealed class ForwardLimitsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>The story: a frame above what a member accepts ended the stream, and with it all that others had forwarded on it.</summary>
    [Fact]
    public async Task An_answer_that_is_too_large_is_refused_and_no_other_is_hindered()
    {
        await using var one = await TestMember.StartAsync(Options(One) with { ReceivedFrameBytesMax = 200_000, FrameBytesMax = 10_000 });
        await using var two = await TestMember.StartAsync(Options(Two) with { ReceivedFrameBytesMax = 200_000, FrameBytesMax = 10_000 });
        one.Knows(two);
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        two.Inbox.OnForward = async request =>
        {
            if (request.Command.Length == 0)
            {
                await first.Task;
            }

            return Answer(request.Command.Length);
        };
        var waiting = one.Transport.ForwardAsync(Two, Request(0), Stop);
        Assert.Equal(100_000, (await one.Transport.ForwardAsync(Two, Request(100_000), Stop)).Put.PrevKv.Value.Length);
        var refused = await Assert.ThrowsAsync<RequestRefusedException>(() => one.Transport.ForwardAsync(Two, Request(180_000), Stop));
        Assert.Equal(NodeErrorKind.Unavailable, refused.Error.Kind);
        Assert.StartsWith("raftserver: the answer of the leader cannot be passed on: it has 180", refused.Error.Message, StringComparison.Ordinal);
        Assert.False(refused.SurelyNotDone);

        first.SetResult();
        Assert.Equal(0, (await waiting).Put.PrevKv.Value.Length);
    }

    /// <summary>The story: what was too large took room until it had been replaced, and what came in that moment found none.</summary>
    [Fact]
    public async Task What_is_too_large_takes_no_room_from_others()
    {
        const int Rounds = 20;
        const int Requests = 1000; // two thirds of them are answered with what is too large
        await using var two = await TestMember.StartAsync(
            Options(Two) with { ReceivedFrameBytesMax = 200_000, FrameBytesMax = 10_000, UnsentAnswerBytesMax = 300_000 });
        var (small, large) = (Answer(0), Answer(299_000));
        two.Inbox.OnForward = async request =>
        {
            await Task.Yield();
            return request.Number % 3 == 0 ? small : large;
        };
        using var stream = await RawStream.OpenTakenAsync(two);
        for (var round = 0; round < Rounds; round++)
        {
            await stream.SendAsync(Asking(Requests));
            for (var count = 0; count < Requests;)
            {
                var answers = (await stream.ReadAsync(PeerReply.Parser))!.Answers;
                Assert.All(answers, static answer => Assert.Equal(answer.Number % 3 == 0, answer.Response is not null));
                count += answers.Count;
            }
        }
    }

    [Fact]
    public async Task Answers_that_a_member_does_not_read_take_a_bounded_room()
    {
        const int Requests = 1000;
        const int AnswerBytes = 50_000;
        await using var two = await TestMember.StartAsync(Options(Two) with { UnsentAnswerBytesMax = 100_000 });
        var asked = 0;
        two.Inbox.OnForward = _ =>
        {
            Interlocked.Increment(ref asked);
            return Task.FromResult(Answer(AnswerBytes));
        };
        using var stream = await RawStream.OpenTakenAsync(two);
        await stream.SendAsync(Asking(Requests));
        await Condition.MetAsync(() => Volatile.Read(ref asked) == Requests, "all were asked");
        var answers = new List<ForwardAnswer>();
        while (answers.Count < Requests)
        {
            answers.AddRange((await stream.ReadAsync(PeerReply.Parser))!.Answers);
        }

        // What the system's own buffers take is not bounded here; it is a few MB.
        Assert.Contains(answers, static answer => answer.Response is not null);
        Assert.InRange(answers.Count(static answer => answer.Refusal is not null), Requests / 2, Requests);
    }

    [Fact]
    public async Task A_member_that_asks_and_asks_and_reads_nothing_is_given_up()
    {
        await using var two = await TestMember.StartAsync(Options(Two) with { UnsentAnswersMax = 50 });
        two.Inbox.OnForward = static _ => Task.FromResult(Answer(500_000));
        using var stream = await RawStream.OpenTakenAsync(two);
        await stream.SendAsync(Asking(200));
        await stream.SendAsync(Asking(1));
        await two.Log.SaysAsync("50 answers wait, which the other side does not read");
    }

    /// <summary>Each new value of a label is kept for ever by whoever gathers metrics.</summary>
    [Fact]
    public async Task A_name_that_is_not_checked_is_no_label()
    {
        var names = new List<string?>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Name == "etcd_network_peer_received_failures_total")
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (names)
            {
                names.Add(tags[0].Value?.ToString());
            }
        });
        listener.Start();
        await using var two = await TestMember.StartAsync(Options(Two));
        using var stream = await RawStream.OpenAsync(two);
        await stream.SendAsync([.. PeerConnection.Preface, .. RawStream.Frame(new PeerFrame { ClusterId = 8, From = 0xabcdef, To = Two.Value })]);
        Assert.NotNull((await stream.ReadAsync(PeerReply.Parser))!.Refusal);
        lock (names)
        {
            Assert.NotEmpty(names);
            Assert.DoesNotContain("abcdef", names);
        }
    }

    private static ForwardRequest Request(int bytes) => new() { Command = ByteString.CopyFrom(new byte[bytes]) };

    private static ForwardResponse Answer(int bytes) => new()
    {
        Put = new() { PrevKv = new() { Value = ByteString.CopyFrom(new byte[bytes]) } },
    };

    private static byte[] Asking(int count) => RawStream.Frame(new PeerFrame
    {
        Requests = { Enumerable.Range(1, count).Select(static number => new ForwardRequest { Number = (ulong)number }) },
    });
}
