using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Watching;

/// <summary>
/// An <c>etcdserverpb.WatchResponse</c> whose events are encoded already: they are made once, however many clients watch, and
/// copied into each response as they are.
/// </summary>
/// <param name="Head">Everything but the events.</param>
/// <param name="Events">Bytes of fields <c>WatchResponse.events</c>, each with its tag.</param>
internal sealed record WatchFrame(WatchResponse Head, IReadOnlyList<ReadOnlyMemory<byte>> Events)
{
    public static Marshaller<WatchFrame> Marshaller { get; } = new(
        static (frame, context) => frame.Write(context),
        static _ => throw new NotSupportedException("A server only writes these."));

    /// <summary>The message, for those who need one.</summary>
    public WatchResponse ToMessage()
    {
        var message = Head.Clone();
        foreach (var field in Events)
        {
            message.MergeFrom(field.ToArray());
        }

        return message;
    }

    private void Write(SerializationContext context)
    {
        var bytes = Head.CalculateSize();
        foreach (var field in Events)
        {
            bytes += field.Length;
        }

        context.SetPayloadLength(bytes);
        var writer = context.GetBufferWriter();
        Head.WriteTo(writer);
        foreach (var field in Events)
        {
            writer.Write(field.Span);
        }

        context.Complete();
    }
}
