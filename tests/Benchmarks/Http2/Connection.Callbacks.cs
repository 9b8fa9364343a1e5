using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Raft.Benchmarks.Http2;

/// <summary>What nghttp2 calls, while it takes what has arrived or gives what is to be sent.</summary>
internal sealed unsafe partial class Connection
{
    private static nint NewCallbacks()
    {
        ThrowOnError(Nghttp2.NewCallbacks(out var callbacks));
        Nghttp2.SetOnHeader(callbacks, &OnHeader);
        Nghttp2.SetOnData(callbacks, &OnData);
        Nghttp2.SetOnStreamClosed(callbacks, &OnStreamClosed);
        return callbacks;
    }

    private static Connection Of(nint userData) => (Connection)GCHandle.FromIntPtr(userData).Target!;

    private Call? CallOf(int stream) =>
        Nghttp2.StreamUserData(_session, stream) is var data and not 0 ? _calls[(int)data - 1] : null;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnHeader(
        nint session, Nghttp2.FrameHeader* frame, byte* name, nuint nameLength, byte* value, nuint valueLength, byte flags, nint userData)
    {
        var header = new ReadOnlySpan<byte>(name, (int)nameLength);
        var isHttp = header.SequenceEqual(":status"u8);
        if ((isHttp || header.SequenceEqual("grpc-status"u8))
            && Utf8Parser.TryParse(new ReadOnlySpan<byte>(value, (int)valueLength), out int status, out _)
            && Of(userData).CallOf(frame->Stream) is { } call)
        {
            _ = isHttp ? call.HttpStatus = status : call.GrpcStatus = status;
        }

        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnData(nint session, byte flags, int stream, byte* data, nuint length, nint userData)
    {
        var connection = Of(userData);
        try
        {
            connection.CallOf(stream)?.Receive(new ReadOnlySpan<byte>(data, (int)length));
            return 0;
        }
#pragma warning disable CA1031 // C code cannot pass it on: it is thrown again behind it.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            connection._thrown = thrown;
            return Nghttp2.CallbackFailed;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnStreamClosed(nint session, int stream, uint error, nint userData)
    {
        var connection = Of(userData);
        try
        {
            connection.CallOf(stream)?.End(error);
            return 0;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            connection._thrown = thrown;
            return Nghttp2.CallbackFailed;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint OnRead(nint session, int stream, byte* buffer, nuint length, uint* flags, nint* source, nint userData)
    {
        var call = Of(userData)._calls[(int)*source];
        var rest = call.Request.AsSpan(call.SentBytes);
        var part = rest[..Math.Min(rest.Length, (int)length)];
        part.CopyTo(new Span<byte>(buffer, (int)length));
        call.SentBytes += part.Length;
        if (part.Length == rest.Length)
        {
            *flags |= Nghttp2.DataIsComplete | (call.StaysOpen ? Nghttp2.StreamStaysOpen : 0);
        }

        return part.Length;
    }
}
