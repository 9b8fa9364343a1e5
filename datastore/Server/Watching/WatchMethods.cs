using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Watching;

/// <summary>etcdserverpb.Watch as a generator would make it, but for the type of the responses.</summary>
internal static class WatchMethods
{
    private static readonly Method<WatchRequest, WatchFrame> Method = new(
        MethodType.DuplexStreaming,
        Descriptor.FullName,
        "Watch",
        new Marshaller<WatchRequest>(
            static (_, _) => throw new NotSupportedException("A server only reads these."),
            static context => WatchRequest.Parser.ParseFrom(context.PayloadAsReadOnlySequence())),
        WatchFrame.Marshaller);

    /// <summary>For reflection.</summary>
    public static Google.Protobuf.Reflection.ServiceDescriptor Descriptor => Protocol.Etcd.Watch.Descriptor;

    /// <summary>Called by the framework: once to learn the methods, and then for each service.</summary>
    public static void BindService(ServiceBinderBase binder, WatchBase? service) =>
        binder.AddMethod(Method, service is null ? null : new DuplexStreamingServerMethod<WatchRequest, WatchFrame>(service.Watch));

    /// <summary>Server side of etcdserverpb.Watch.</summary>
    [BindServiceMethod(typeof(WatchMethods), nameof(BindService))]
    public abstract class WatchBase
    {
        /// <summary>Watches keys, any number of ranges on one stream.</summary>
        public abstract Task Watch(
            IAsyncStreamReader<WatchRequest> requestStream, IServerStreamWriter<WatchFrame> responseStream, ServerCallContext context);
    }
}
