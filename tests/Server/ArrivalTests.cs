using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Server.Gateway;
using Raft.Server.Hosting;

namespace Raft.Server.Tests;

/// <summary>Requests that come slowly, in part, or not at all.</summary>
public sealed class ArrivalTests
{
    private static readonly string[] OfOneRequest = ["etcdserverpb.KV/Put", "etcdserverpb.Maintenance/Snapshot", "grpc.health.v1.Health/Watch"];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_body_that_stops_arriving_is_given_up()
    {
        var (time, budget, pipe) = (new ManualTime(), new ByteBudget(1 << 20), new Pipe());
        using (var room = budget.RoomFor(IPAddress.Loopback))
        using (var body = new ArrivingBody(pipe.Reader, room, time))
        {
            await pipe.Writer.WriteAsync(new byte[8 * 1024], Stop);
            Assert.True(await body.TryReadAsync());
            Assert.Equal(8 * 1024, budget.Taken);
            body.AdvanceTo(body.Buffer.Start);
            var more = body.TryReadAsync();
            Assert.False(more.IsCompleted);
            time.Advance(ArrivingBody.Window);
            Assert.False(await more);
            Assert.Equal(StatusCode.DeadlineExceeded, body.Refusal.StatusCode);
        }

        Assert.Equal(0, budget.Taken);
    }

    [Fact]
    public async Task A_body_that_grows_slowly_is_waited_for()
    {
        var (time, pipe) = (new ManualTime(), new Pipe(new PipeOptions(pauseWriterThreshold: 0)));
        using var room = new ByteBudget(1 << 20).RoomFor(IPAddress.Loopback);
        using var body = new ArrivingBody(pipe.Reader, room, time);
        for (var piece = 1; piece <= 20; piece++)
        {
            time.Advance(ArrivingBody.Window * 0.9);
            await pipe.Writer.WriteAsync(new byte[ArrivingBody.WindowBytes], Stop);
            Assert.True(await body.TryReadAsync());
            Assert.Equal(piece * ArrivingBody.WindowBytes, body.Buffer.Length);
            body.AdvanceTo(body.Buffer.Start);
        }
    }

    [Fact]
    public async Task A_stream_keeps_room_only_for_what_is_not_consumed_yet()
    {
        var (time, budget, pipe) = (new ManualTime(), new ByteBudget(1 << 20), new Pipe());
        using var room = budget.RoomFor(IPAddress.Loopback);
        using var body = new ArrivingBody(pipe.Reader, room, time, isStream: true);
        await pipe.Writer.WriteAsync(new byte[16 * 1024], Stop);
        Assert.True(await body.TryReadAsync());
        Assert.Equal(16 * 1024, budget.Taken);
        body.AdvanceTo(body.Buffer.GetPosition(11 * 1024));
        Assert.Equal(5 * 1024, budget.Taken);
        var more = body.TryReadAsync();
        time.Advance(10 * ArrivingBody.Window);
        await pipe.Writer.WriteAsync(new byte[1], Stop);
        Assert.True(await more);
    }

    /// <summary>A parser that begins anew with each piece would look at most of them thousands of times.</summary>
    [Fact]
    public async Task A_json_body_in_many_pieces_is_looked_at_once()
    {
        var text = $$$"""{"compare":[{{{string.Join(',', Enumerable.Repeat("""{"key":"YQ=="}""", 1000))}}}]}""";
        var reader = new PieceReader(text, bytesEach: 15);
        using var room = new ByteBudget(1 << 20).RoomFor(null);
        using var body = new ArrivingBody(reader, room, TimeProvider.System);
        var values = 0;
        await foreach (var value in GatewayJson.ReadValuesAsync(body, 1 << 20))
        {
            Assert.Equal(text, value);
            values++;
        }

        Assert.Equal(1, values);
        Assert.InRange(reader.Looks, text.Length / 15, text.Length);
    }

    [Fact]
    public async Task Requests_that_do_not_arrive_keep_no_others_out_and_end()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var member = cluster.Members[0];
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var halfSent = Enumerable.Range(0, 70).Select(_ => new HalfSentMessage()).ToList();
        var calls = halfSent.ConvertAll(put => http.SendAsync(
            put.To(member, OfOneRequest[halfSent.IndexOf(put) % OfOneRequest.Length]),
            HttpCompletionOption.ResponseHeadersRead,
            Stop));
        await Task.WhenAll(halfSent.Select(put => put.IsHalfSent));

        var put = await new KV.KVClient(cluster.Channel(member)).PutAsync(
            new() { Key = ByteString.CopyFromUtf8("a"), Value = UnsafeByteOperations.UnsafeWrap(new byte[1_000_000]) }, cancellationToken: Stop);
        Assert.Equal(2, put.Header.Revision);
        foreach (var answer in await Task.WhenAll(calls))
        {
            using (answer)
            {
                Assert.Equal("4", Assert.Single(answer.Headers.GetValues("grpc-status")));
            }
        }

        halfSent.ForEach(static put => put.Dispose());
    }

    /// <summary>A body that comes in pieces, each a segment of its own, and counts how often any of them is looked at.</summary>
    private sealed class PieceReader(string text, int bytesEach) : PipeReader
    {
        private readonly byte[] _bytes = System.Text.Encoding.ASCII.GetBytes(text);
        private Segment? _first;
        private Segment? _last;
        private int _arrived;

        public int Looks { get; private set; }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            if (_arrived < _bytes.Length)
            {
                var piece = new Piece(this, _bytes.AsMemory(_arrived, Math.Min(bytesEach, _bytes.Length - _arrived)));
                _last = new Segment(piece.Memory, _arrived, _last);
                _first ??= _last;
                _arrived += _last.Memory.Length;
            }

            return new(new ReadResult(new(_first!, 0, _last!, _last!.Memory.Length), isCanceled: false, isCompleted: _arrived == _bytes.Length));
        }

        /// <summary>Nothing is freed: what is consumed is all, at the end.</summary>
        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void CancelPendingRead() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException();

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

        private sealed class Segment : ReadOnlySequenceSegment<byte>
        {
            public Segment(ReadOnlyMemory<byte> memory, long index, Segment? before)
            {
                (Memory, RunningIndex) = (memory, index);
                if (before is not null)
                {
                    before.Next = this;
                }
            }
        }

        private sealed class Piece(PieceReader reader, Memory<byte> bytes) : MemoryManager<byte>
        {
            public override Memory<byte> Memory => CreateMemory(bytes.Length);

            public override Span<byte> GetSpan()
            {
                reader.Looks++;
                return bytes.Span;
            }

            public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

            public override void Unpin() => throw new NotSupportedException();

            protected override void Dispose(bool disposing)
            {
            }
        }
    }
}
