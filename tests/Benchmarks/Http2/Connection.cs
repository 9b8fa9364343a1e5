using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Raft.Benchmarks.Http2;

/// <summary>
/// One HTTP/2 connection to a member, with the calls of all clients that share it. One thread serves it; nothing is allocated for a
/// request. A connection that breaks fails all its calls, and is opened again with the next one.
/// </summary>
internal sealed unsafe partial class Connection : IDisposable
{
    // Answers of many keys must not wait for the window.
    private const int StreamWindowBytes = 4 * 1024 * 1024;
    private const int ConnectionWindowBytes = 64 * 1024 * 1024;

    private const int FrameBytesMax = 17 * 1024;

    private static readonly nint Callbacks = NewCallbacks();

    private readonly int _port;
    private readonly List<Call> _calls = [];
    private readonly GCHandle _self;
    private readonly RequestHeaders _headers;
    private readonly byte[] _unsent = GC.AllocateUninitializedArray<byte>(128 * 1024, pinned: true);
    private Socket? _socket;
    private nint _session;
    private bool _mayHaveMore;
    private int _unsentFrom;
    private int _unsentTo;
    private Exception? _thrown;

    public Connection(int port)
    {
        _port = port;
        _headers = new($"127.0.0.1:{port}");
        _self = GCHandle.Alloc(this);
    }

    /// <summary>Its file descriptor; below 0 while it is not open.</summary>
    public int Descriptor { get; private set; } = -1;

    /// <summary>Whether the socket took less than there was to send.</summary>
    public bool HasUnsent => _unsentTo > 0;

    public void Add(Call call)
    {
        call.Slot = _calls.Count;
        _calls.Add(call);
    }

    /// <summary>It is sent by the next <see cref="Flush"/>.</summary>
    public void Start(Call call)
    {
        call.Begin();
        if (_socket is null && !Open())
        {
            call.End(0);
            return;
        }

        var data = new Nghttp2.DataProvider { Source = call.Slot, Read = &OnRead };
        var stream = Nghttp2.SubmitRequest(_session, 0, _headers.For(call.Path), RequestHeaders.Count, &data, call.Slot + 1);
        ThrowOnError(stream);
        _mayHaveMore = true;
    }

    /// <summary>Takes what has arrived; the calls that it ends may start anew.</summary>
    public void Receive(byte[] buffer)
    {
        _mayHaveMore = true;
        nint length;
        var bytes = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(buffer)); // It is pinned.
        do
        {
            length = Posix.Receive(Descriptor, bytes, (nuint)buffer.Length);
            if (length < 0 && Marshal.GetLastPInvokeError() == Posix.WouldBlock)
            {
                return;
            }

            var taken = length <= 0 ? -1 : Nghttp2.Receive(_session, bytes, (nuint)length);
            if (_thrown is { } thrown)
            {
                throw new InvalidOperationException(thrown.Message, thrown);
            }

            if (taken < 0 || Nghttp2.IsRequestAllowed(_session) == 0)
            {
                Break();
                return;
            }
        }
        while (length == buffer.Length);
    }

    /// <summary>Sends all there is, by one system call unless it is much.</summary>
    public void Flush()
    {
        if (!_mayHaveMore)
        {
            return;
        }

        var unsent = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_unsent)); // It is pinned.
        while (_socket is not null && FillUnsent() > 0)
        {
            var sent = Posix.Send(Descriptor, unsent + _unsentFrom, (nuint)(_unsentTo - _unsentFrom));
            if (sent < 0)
            {
                if (Marshal.GetLastPInvokeError() != Posix.WouldBlock)
                {
                    Break();
                }

                return;
            }

            _unsentFrom += (int)sent;
            if (_unsentFrom == _unsentTo)
            {
                (_unsentFrom, _unsentTo) = (0, 0);
            }
        }

        _mayHaveMore = false;
    }

    public void Dispose()
    {
        Close();
        _self.Free();
    }

    private int FillUnsent()
    {
        while (_unsentTo + FrameBytesMax <= _unsent.Length)
        {
            var length = (int)Nghttp2.Send(_session, out var frame);
            ThrowOnError(length);
            if (length == 0)
            {
                break;
            }

            new ReadOnlySpan<byte>(frame, length).CopyTo(_unsent.AsSpan(_unsentTo));
            _unsentTo += length;
        }

        return _unsentTo - _unsentFrom;
    }

    private bool Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(IPAddress.Loopback, _port);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return false;
        }

        (_socket, Descriptor) = (socket, (int)socket.Handle);
        ThrowOnError(Nghttp2.NewClient(out _session, Callbacks, GCHandle.ToIntPtr(_self)));
        var settings = stackalloc Nghttp2.Setting[]
        {
            new() { Id = Nghttp2.SettingEnablePush, Value = 0 },
            new() { Id = Nghttp2.SettingInitialWindowSize, Value = StreamWindowBytes },
        };
        ThrowOnError(Nghttp2.SubmitSettings(_session, 0, settings, 2));
        ThrowOnError(Nghttp2.SetLocalWindow(_session, 0, 0, ConnectionWindowBytes));
        return true;
    }

    private void Close()
    {
        if (_socket is null)
        {
            return;
        }

        _socket.Dispose();
        Nghttp2.DeleteSession(_session);
        (_socket, _session, Descriptor, _unsentFrom, _unsentTo) = (null, 0, -1, 0, 0);
    }

    private void Break()
    {
        Close();
        foreach (var call in _calls)
        {
            if (call.IsInFlight)
            {
                call.End(0);
            }
        }
    }

    private static void ThrowOnError(int result)
    {
        if (result < 0)
        {
            throw new InvalidOperationException($"nghttp2 fails with {result}.");
        }
    }
}
