using System.Threading.Channels;
using Grpc.Core;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using Raft.Server.Membership;
using Raft.Server.Options;
using Raft.Server.Services;

namespace Raft.Server.Watching;

/// <summary>One client's stream: what it asks goes to the hub, what the hub answers goes back, all that waits with one flush.</summary>
internal sealed class WatchSession : IDisposable
{
    /// <summary>
    /// Answers that may wait while more is asked for; then the client has to read first, as with etcd. Events are bounded by their bytes.
    /// </summary>
    private const int AnswersMax = 10_000;

    /// <summary>Bytes of events that are written before it is waited until the client takes them.</summary>
    private const int UnflushedBytesMax = 64 * 1024;

    private readonly RunningMember _member;
    private readonly ServerOptions _options;
    private readonly IAsyncStreamReader<WatchRequest> _requests;
    private readonly IServerStreamWriter<WatchFrame> _responses;
    private readonly Func<WatchCreateRequest, ValueTask<string?>> _refusal;
    private readonly WatchChannel _stream;

    /// <summary>Holds one thing at most: that there is something to do.</summary>
    private readonly Channel<bool> _work = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Holds one thing at most: that the answers were taken.</summary>
    private readonly Channel<bool> _room = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private Timer? _notices;
    private long _unflushedBytes;

    public WatchSession(
        RunningMember member,
        ServerOptions options,
        IAsyncStreamReader<WatchRequest> requests,
        IServerStreamWriter<WatchFrame> responses,
        Func<WatchCreateRequest, ValueTask<string?>> refusal)
    {
        (_member, _options, _requests, _responses, _refusal) = (member, options, requests, responses, refusal);
        _stream = member.Node.Watches.OpenChannel(() => _work.Writer.TryWrite(true));
    }

    /// <summary>Runs until it is cancelled: a client that has nothing more to ask still wants to be told.</summary>
    /// <exception cref="OperationCanceledException">The stream was cancelled.</exception>
    /// <exception cref="RpcException">What the client asks cannot be read.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var writing = WriteAsync(ended.Token);
        var reading = ReadAsync(ended.Token);
        var first = await Task.WhenAny(writing, reading);
        if (first == writing || !reading.IsCompletedSuccessfully)
        {
            await ended.CancelAsync();
        }

        await Task.WhenAll(writing, reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first; // the reason, if it failed: the other was only cancelled then
        await writing;
        await reading;
    }

    public void Dispose()
    {
        _notices?.Dispose();
        _stream.Dispose();
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        while (await _requests.MoveNext(cancellation))
        {
            var request = _requests.Current;
            switch (request.RequestUnionCase)
            {
                case WatchRequest.RequestUnionOneofCase.CreateRequest when await _refusal(request.CreateRequest) is { } reason:
                    _stream.Refuse(reason);
                    break;
                case WatchRequest.RequestUnionOneofCase.CreateRequest:
                    _stream.Create(request.CreateRequest);
                    if (request.CreateRequest.ProgressNotify)
                    {
                        SendNotices();
                    }

                    break;
                case WatchRequest.RequestUnionOneofCase.CancelRequest:
                    _stream.Cancel(request.CancelRequest.WatchId);
                    break;
                case WatchRequest.RequestUnionOneofCase.ProgressRequest:
                    _stream.RequestProgress();
                    break;
            }

            while (_stream.Waiting > AnswersMax)
            {
                await _room.Reader.ReadAsync(cancellation);
            }
        }
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        while (await _work.Reader.WaitToReadAsync(cancellation))
        {
            _work.Reader.TryRead(out _);
            while (_stream.TryTake(out var answer))
            {
                await WriteAsync(answer, moreFollows: _stream.Waiting > 0, cancellation);
            }

            _room.Writer.TryWrite(true);
        }
    }

    private async Task WriteAsync(WatchAnswer answer, bool moreFollows, CancellationToken cancellation)
    {
        var from = 0;
        do
        {
            var until = EndOfFragment(answer, from);
            var isLast = until == answer.Events.Count;
            _unflushedBytes += answer.EventBytes;
            var isFlushed = (isLast && !moreFollows) || _unflushedBytes > UnflushedBytesMax;
            _responses.WriteOptions = isFlushed ? Flushed : Buffered;
            _unflushedBytes = isFlushed ? 0 : _unflushedBytes;
            await _responses.WriteAsync(Frame(answer, from, until), cancellation);
            from = until;
        }
        while (from < answer.Events.Count);
    }

    private static WriteOptions Buffered { get; } = new(WriteFlags.BufferHint);

    private static WriteOptions Flushed { get; } = new();

    /// <summary>How many events fit into a response of a client that can put it together again.</summary>
    private int EndOfFragment(WatchAnswer answer, int from)
    {
        if (!answer.MayFragment || answer.EventBytes <= _options.MaxRequestBytes)
        {
            return answer.Events.Count;
        }

        var until = from;
        for (var bytes = 0; until < answer.Events.Count; until++)
        {
            bytes += answer.Events[until].Length;
            if (bytes > _options.MaxRequestBytes && until > from)
            {
                break;
            }
        }

        return until;
    }

    private WatchFrame Frame(WatchAnswer answer, int from, int until)
    {
        var head = new WatchResponse
        {
            Header = _member.Complete(new ResponseHeader { Revision = answer.Revision }),
            WatchId = answer.WatchId,
            Created = answer.IsCreated,
            Canceled = answer.IsCanceled,
            CompactRevision = answer.CompactRevision,
            CancelReason = answer.CancelReason,
            Fragment = until < answer.Events.Count,
        };
        var isWhole = from == 0 && until == answer.Events.Count;
        return new WatchFrame(head, isWhole ? answer.Events : [.. answer.Events.Skip(from).Take(until - from)]);
    }

    /// <summary>Not all clients at the same moment: up to a tenth later, as etcd does.</summary>
    private void SendNotices()
    {
        if (_notices is null)
        {
            var interval = _options.WatchProgressNotifyInterval;
            interval += Random.Shared.NextDouble() * interval / 10;
            _notices = new Timer(_ => NotifyProgress(), null, interval, interval);
        }
    }

    /// <summary>Whoever has not read what waits learns nothing from a notice.</summary>
    private void NotifyProgress()
    {
        if (_stream.Waiting <= AnswersMax)
        {
            _stream.NotifyProgress();
        }
    }
}
