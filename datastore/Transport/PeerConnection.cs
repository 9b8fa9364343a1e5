using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Raft.Transport;

/// <summary>
/// A connection between two members: after the preface, frames in both directions. A frame is its length in four bytes, the
/// highest first, and a protobuf message of so many bytes. One without any only says that its sender is there.
/// <para>
/// Either side that has heard nothing for <see cref="PeerOptions.KeepAliveDelay"/> sends such an empty frame, and whoever hears
/// anything after having been silent itself answers so; see <see cref="WatchAsync"/>.
/// </para>
/// </summary>
internal sealed class PeerConnection : IDisposable
{
    /// <summary>What a connection begins with: the protocol, and its version.</summary>
    public const string PrefaceText = "RAFT/1\r\n";

    private const int LengthBytes = 4;
    private const int ReadBufferBytes = 64 * 1024;

    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly Action _abort;
    private readonly PeerOptions _options;
    private readonly PeerSocketStream? _socket;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly CancellationTokenSource _ended = new();
    private long _lastReceived = Stopwatch.GetTimestamp();
    private long _lastSent = Stopwatch.GetTimestamp();
    private int _isAborted;

    /// <param name="input">What the other side sends, from behind the preface on.</param>
    /// <param name="output">What goes to the other side.</param>
    /// <param name="abort">Ends reads and writes that are under way.</param>
    /// <param name="options">Settings.</param>
    /// <param name="socket">What is below, if its reader is to have a thread of its own.</param>
    public PeerConnection(PipeReader input, PipeWriter output, Action abort, PeerOptions options, PeerSocketStream? socket = null) =>
        (_input, _output, _abort, _options, _socket, Ended) = (input, output, abort, options, socket, _ended.Token);

    /// <summary>The bytes of <see cref="PrefaceText"/>.</summary>
    public static ReadOnlySpan<byte> Preface => "RAFT/1\r\n"u8;

    /// <summary>Cancelled when the connection ends.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Bytes of the frame that was read last.</summary>
    public int ReadBytes { get; private set; }

    /// <summary>A connection over a stream.</summary>
    public static PeerConnection Over(Stream stream, PeerOptions options)
    {
        var socket = stream as PeerSocketStream;
        return new(
            PipeReader.Create(stream, new(bufferSize: ReadBufferBytes)), PipeWriter.Create(stream), socket is null ? stream.Dispose : socket.Abort,
            options, socket);
    }

    /// <summary>The next frame; null: the other side has closed the connection.</summary>
    /// <param name="parser">Of what is expected.</param>
    /// <param name="bytesMax">What it may have at most, if that is less than the options allow.</param>
    /// <exception cref="InvalidDataException">What comes is no frame, or a part of one.</exception>
    /// <exception cref="InvalidProtocolBufferException">A frame holds something else than is expected.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, int bytesMax = int.MaxValue)
        where T : class, IMessage<T>
    {
        while (true)
        {
            var read = await _input.ReadAsync().ConfigureAwait(false);
            Volatile.Write(ref _lastReceived, Stopwatch.GetTimestamp());
            if (!read.IsCompleted && Stopwatch.GetElapsedTime(Volatile.Read(ref _lastSent)) >= _options.KeepAliveDelay / 2)
            {
                ShowLife();
            }

            var buffer = read.Buffer;
            var length = LengthIn(buffer);
            var allowed = Math.Min(bytesMax, _options.ReceivedFrameBytesMax);
            if (length > allowed)
            {
                _input.AdvanceTo(buffer.End);
                throw new InvalidDataException($"a frame of {length} bytes is announced, and {allowed} are allowed");
            }

            if (buffer.Length >= LengthBytes + length)
            {
                var frame = buffer.Slice(LengthBytes, length);
                try
                {
                    ReadBytes = (int)length;
                    if (ReadBytes > 0)
                    {
                        return parser.ParseFrom(frame);
                    }
                }
                finally
                {
                    _input.AdvanceTo(frame.End);
                }
            }
            else if (read.IsCompleted)
            {
                _input.AdvanceTo(buffer.End);
                return buffer.IsEmpty ? null : throw new InvalidDataException("the connection ended in the middle of a frame");
            }
            else
            {
                _input.AdvanceTo(buffer.Start, buffer.End);
            }
        }
    }

    /// <summary>
    /// Reads on without looking until the other side closes the connection: what it has not read yet would be lost if this side
    /// closed it before.
    /// </summary>
    public async Task DiscardAsync()
    {
        while (true)
        {
            var read = await _input.ReadAsync().ConfigureAwait(false);
            _input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Sends a frame; null: an empty one. Any thread may.</summary>
    /// <returns>Its bytes.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<int> WriteAsync(IMessage? message, bool withPreface = false)
    {
        var bytes = message?.CalculateSize() ?? 0;
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (withPreface)
            {
                _output.Write(Preface);
            }

            Put(message, bytes);
            Volatile.Write(ref _lastSent, Stopwatch.GetTimestamp());
            var flushed = await _output.FlushAsync().ConfigureAwait(false);
            return flushed.IsCompleted ? throw new IOException("the other side closed the connection") : bytes;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>
    /// Sends and receives until one of them ends or the other side falls silent, and throws what ended it. What the other side
    /// has said of the reason counts more than that it no longer takes anything.
    /// </summary>
    /// <param name="send">Ends when its token says so.</param>
    /// <param name="receive">Ends with the connection.</param>
    public async Task RunAsync(Func<CancellationToken, Task> send, Func<Task> receive)
    {
        var (sending, watching) = (send(Ended), WatchAsync());
        var receiving = _socket?.ReadOnOwnThreadAsync(receive) ?? receive();
        var first = await Task.WhenAny(sending, receiving, watching).ConfigureAwait(false);
        if (first == sending && sending.Exception?.InnerException is IOException)
        {
            first = await Task.WhenAny(receiving, watching).ConfigureAwait(false);
        }

        Abort();
        await Task.WhenAll(sending, receiving, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first.ConfigureAwait(false);
    }

    /// <summary>Ends the connection at once. Any thread may, any number of times.</summary>
    public void Abort()
    {
        if (Interlocked.Exchange(ref _isAborted, 1) == 0)
        {
            _ended.Cancel();
            _abort();
        }
    }

    /// <inheritdoc/>
    /// <remarks>Nothing here holds anything that the collector would not find; a sign of life may still be on its way.</remarks>
    public void Dispose() => Abort();

    /// <summary>Ends with an error when the other side no longer gives any sign of life.</summary>
    private async Task WatchAsync()
    {
        var limit = _options.KeepAliveDelay + _options.KeepAliveTimeout;
        while (true)
        {
            var silence = Stopwatch.GetElapsedTime(Volatile.Read(ref _lastReceived));
            if (silence >= limit)
            {
                throw new TimeoutException($"the other side has been silent for {limit.TotalSeconds} s");
            }

            var isProbed = silence >= _options.KeepAliveDelay;
            if (isProbed)
            {
                ShowLife();
            }

            var toNextLook = _options.KeepAliveDelay - (isProbed ? TimeSpan.Zero : silence);
            var toLimit = limit - silence;
            await Task.Delay(toNextLook < toLimit ? toNextLook : toLimit, Ended).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Sends an empty frame, unless one is on its way that shows as much. Not awaited: where nobody reads any more, it may never
    /// end, and whoever did not read for that might be what the other side waits for.
    /// </summary>
    private void ShowLife()
    {
        if (_writing.CurrentCount > 0)
        {
            _ = SendEmptyAsync();
        }
    }

    private async Task SendEmptyAsync()
    {
        try
        {
            await WriteAsync(null).ConfigureAwait(false);
        }
        catch (Exception error) when (error is InvalidOperationException || PeerDialer.IsExpected(error))
        {
            // The connection is gone, and its reader knows.
        }
    }

    /// <returns>0: it is not there yet, or the frame is empty.</returns>
    private static long LengthIn(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < LengthBytes)
        {
            return 0;
        }

        Span<byte> prefix = stackalloc byte[LengthBytes];
        buffer.Slice(0, LengthBytes).CopyTo(prefix);
        return BinaryPrimitives.ReadUInt32BigEndian(prefix);
    }

    private void Put(IMessage? message, int bytes)
    {
        var span = _output.GetSpan(LengthBytes + bytes)[..(LengthBytes + bytes)];
        BinaryPrimitives.WriteUInt32BigEndian(span, (uint)bytes);
        message?.WriteTo(span[LengthBytes..]);
        _output.Advance(span.Length);
    }
}
