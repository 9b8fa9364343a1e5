using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Raft.Benchmarks.Http2;

/// <summary>A gRPC request's headers, of which only the path differs from one to the next.</summary>
internal sealed unsafe class RequestHeaders
{
    public const int Count = 7;

    private const int PathAt = 2;

    private readonly Nghttp2.Header[] _headers = GC.AllocateArray<Nghttp2.Header>(Count, pinned: true);

    // Only to keep alive what the headers point to.
    private readonly byte[][] _texts;

    public RequestHeaders(string authority)
    {
        string[] texts =
        [
            ":method", "POST", ":scheme", "http", ":path", "/", ":authority", authority,
            "content-type", "application/grpc", "te", "trailers", "user-agent", "raft-benchmarks",
        ];
        _texts = [.. texts.Select(Call.Pinned)];
        for (var header = 0; header < Count; header++)
        {
            var (name, value) = (_texts[2 * header], _texts[(2 * header) + 1]);
            _headers[header] = new()
            {
                Name = Address(name),
                NameLength = (nuint)name.Length,
                Value = Address(value),
                ValueLength = (nuint)value.Length,
                Flags = Nghttp2.PointersStayValid,
            };
        }
    }

    /// <param name="path">Pinned, and alive until the request has been sent.</param>
    public Nghttp2.Header* For(byte[] path)
    {
        _headers[PathAt].Value = Address(path);
        _headers[PathAt].ValueLength = (nuint)path.Length;
        return (Nghttp2.Header*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_headers));
    }

    private static byte* Address(byte[] pinned) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
