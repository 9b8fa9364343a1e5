using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;

namespace Raft.Server.Coordination;

/// <summary>A watch within this process: the changes of some keys, one by one. One caller at a time.</summary>
internal sealed class KeyWatch : IDisposable
{
    private readonly WatchChannel _stream;
    private readonly Queue<Event> _events = [];

    /// <summary>Holds one thing at most: that there is something to take.</summary>
    private readonly Channel<bool> _work = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public KeyWatch(WatchHub hub) => _stream = hub.OpenChannel(() => _work.Writer.TryWrite(true));

    /// <summary>Watches one key more, or all keys up to an end, from a revision on.</summary>
    public void Add(ByteString key, ByteString rangeEnd, long fromRevision, params WatchCreateRequest.Types.FilterType[] without) =>
        _stream.Create(new WatchCreateRequest { Key = key, RangeEnd = rangeEnd, StartRevision = fromRevision, Filters = { without } });

    /// <summary>
    /// The next change. Null: what came next has been compacted, because nobody took it for so long; whoever watches has to look
    /// at the keys again.
    /// </summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: there are too many watches.</exception>
    public async Task<Event?> NextAsync(CancellationToken cancellation)
    {
        while (_events.Count == 0)
        {
            if (_stream.TryTake(out var answer))
            {
                if (answer.CompactRevision > 0)
                {
                    return null;
                }

                Take(answer);
            }
            else
            {
                await _work.Reader.ReadAsync(cancellation);
            }
        }

        return _events.Dequeue();
    }

    public void Dispose() => _stream.Dispose();

    private void Take(WatchAnswer answer)
    {
        if (answer.IsCanceled)
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted, answer.CancelReason));
        }

        var message = new WatchResponse();
        foreach (var field in answer.Events)
        {
            message.MergeFrom(field.Span);
        }

        foreach (var change in message.Events)
        {
            _events.Enqueue(change);
        }
    }
}
