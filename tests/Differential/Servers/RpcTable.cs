using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Servers;

/// <summary>Every unary method of etcd's services, by the type of its request, which is unique; made from the descriptors of the protocol.</summary>
internal static class RpcTable
{
    private static readonly Dictionary<MessageDescriptor, Method<IMessage, IMessage>> Methods = new[]
        {
            RpcReflection.Descriptor, Protocol.Etcd.Locks.LockReflection.Descriptor, Protocol.Etcd.Elections.ElectionReflection.Descriptor,
        }
        .SelectMany(file => file.Services)
        .SelectMany(service => service.Methods)
        .Where(method => !method.IsClientStreaming && !method.IsServerStreaming)
        .ToDictionary(method => method.InputType, method => new Method<IMessage, IMessage>(
            MethodType.Unary,
            method.Service.FullName,
            method.Name,
            Marshallers.Create<IMessage>(message => message.ToByteArray(), method.InputType.Parser.ParseFrom),
            Marshallers.Create<IMessage>(message => message.ToByteArray(), method.OutputType.Parser.ParseFrom)));

    public static bool IsUnary(IMessage request) => Methods.ContainsKey(request.Descriptor);

    public static async Task<IMessage> CallAsync(CallInvoker invoker, IMessage request, CallOptions options) =>
        await invoker.AsyncUnaryCall(Methods[request.Descriptor], host: null, options, request);
}
