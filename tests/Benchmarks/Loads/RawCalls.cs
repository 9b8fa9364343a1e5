using System.Buffers;
using Grpc.Core;

namespace Raft.Benchmarks.Loads;

/// <summary>An answer of which only the length is looked at.</summary>
internal sealed class Answer(long bytes)
{
    public long Bytes => bytes;
}

/// <summary>etcd's calls without parsing or building messages, which would be the load generator's own cost.</summary>
internal static class RawCalls
{
    private static readonly Marshaller<byte[]> Request = new(
        static (bytes, context) =>
        {
            context.SetPayloadLength(bytes.Length);
            context.GetBufferWriter().Write(bytes);
            context.Complete();
        },
        static _ => throw new NotSupportedException());

    private static readonly Marshaller<Answer> Response = new(
        static (_, _) => throw new NotSupportedException(), static context => new Answer(context.PayloadLength));

    public static Method<byte[], Answer> Put { get; } = Method("Put");

    public static Method<byte[], Answer> Range { get; } = Method("Range");

    public static Method<byte[], Answer> Txn { get; } = Method("Txn");

    public static Method<byte[], Answer> Watch { get; } = new(MethodType.DuplexStreaming, "etcdserverpb.Watch", "Watch", Request, Response);

    public static Method<byte[], Answer> LeaseGrant { get; } = Method("LeaseGrant", "Lease");

    public static Method<byte[], Answer> LeaseRevoke { get; } = Method("LeaseRevoke", "Lease");

    private static Method<byte[], Answer> Method(string name, string service = "KV") =>
        new(MethodType.Unary, $"etcdserverpb.{service}", name, Request, Response);
}
