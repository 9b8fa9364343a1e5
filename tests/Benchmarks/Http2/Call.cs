using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace Raft.Benchmarks.Http2;

/// <summary>
/// A client's gRPC call, one at a time: the same object serves for all that the client makes. Of answers only the length is looked
/// at: to parse them would be the load generator's own cost.
/// </summary>
internal abstract class Call
{
    private const int PrefixBytes = 5;

    private const int Unknown = -1;
    private const int HttpOk = 200;

    private int _prefixBytes;
    private int _messageBytes;
    private int _missingBytes;
    private uint _resetBy;
    private long _begun;

    /// <summary>Of its connection; set once.</summary>
    public int Slot { get; set; }

    /// <summary>Pinned; see <see cref="PathOf"/>.</summary>
    public abstract byte[] Path { get; }

    /// <summary>With prefix; see <see cref="Frame"/>. Must not change before the end of the call.</summary>
    public abstract byte[] Request { get; }

    /// <summary>Whether the client's side of the stream stays open after the request.</summary>
    public virtual bool StaysOpen => false;

    public bool IsInFlight { get; private set; }

    /// <summary>Since the call began, in the stopwatch's ticks.</summary>
    public long Elapsed => Stopwatch.GetTimestamp() - _begun;

    /// <summary>How much of the request has been sent.</summary>
    public int SentBytes { get; set; }

    public int HttpStatus { get; set; }

    /// <summary>Below 0 if the call ended without one.</summary>
    public int GrpcStatus { get; set; }

    /// <summary>Why the last call failed.</summary>
    public string Failure => GrpcStatus switch
    {
        Unknown when _resetBy != 0 => $"stream reset by HTTP/2 error {_resetBy}",
        Unknown when HttpStatus is not Unknown and not HttpOk => $"HTTP status {HttpStatus}",
        Unknown => "connection lost",
        0 => "wrong answer",
        _ => string.Create(CultureInfo.InvariantCulture, $"grpc-status {GrpcStatus}"),
    };

    public static byte[] PathOf(string service, string method) => Pinned($"/etcdserverpb.{service}/{method}");

    public static byte[] Pinned(string text)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(text.Length, pinned: true);
        Encoding.ASCII.GetBytes(text, bytes);
        return bytes;
    }

    public static byte[] Frame(IMessage message)
    {
        var size = message.CalculateSize();
        var frame = new byte[PrefixBytes + size];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), size);
        message.WriteTo(frame.AsSpan(PrefixBytes));
        return frame;
    }

    public void Begin()
    {
        (IsInFlight, SentBytes, HttpStatus, GrpcStatus) = (true, 0, Unknown, Unknown);
        (_prefixBytes, _messageBytes, _missingBytes, _resetBy) = (0, 0, 0, 0);
        _begun = Stopwatch.GetTimestamp();
    }

    public void Receive(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            for (; _prefixBytes < PrefixBytes && !data.IsEmpty; data = data[1..])
            {
                // The first byte says whether it is compressed, which nobody asked for; the others are the length.
                _messageBytes = _prefixBytes++ == 0 ? 0 : (_messageBytes << 8) | data[0];
                _missingBytes = _messageBytes;
            }

            var part = Math.Min(_missingBytes, data.Length);
            _missingBytes -= part;
            data = data[part..];
            if (_prefixBytes == PrefixBytes && _missingBytes == 0)
            {
                _prefixBytes = 0;
                OnMessage(_messageBytes);
            }
        }
    }

    /// <param name="resetBy">HTTP/2's code of the error that ended the stream; 0 for none.</param>
    public void End(uint resetBy)
    {
        (IsInFlight, _resetBy) = (false, resetBy);
        OnEnd(resetBy == 0 && HttpStatus == HttpOk && GrpcStatus == 0);
    }

    /// <summary>A whole message has arrived.</summary>
    protected abstract void OnMessage(int bytes);

    /// <summary>The stream is closed. After a success the next call may begin at once, after a failure only after a pause.</summary>
    protected abstract void OnEnd(bool succeeded);
}
