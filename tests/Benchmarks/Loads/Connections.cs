using Grpc.Core;
using Grpc.Net.Client;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks.Loads;

/// <summary>The HTTP/2 connections that all clients of a load share, some to each member.</summary>
internal sealed class Connections : IDisposable
{
    public const int PerMember = 4;

    // Answers of many keys must not wait for the window.
    private const int StreamWindowBytes = 4 * 1024 * 1024;

    private readonly List<GrpcChannel> _channels = [];
    private readonly List<CallInvoker> _invokers = [];

    private Connections(IReadOnlyList<Member> members)
    {
        for (var number = 0; number < PerMember * members.Count; number++)
        {
            var channel = GrpcChannel.ForAddress(members[number % members.Count].ClientUrl, new GrpcChannelOptions
            {
                HttpHandler = new SocketsHttpHandler { InitialHttp2StreamWindowSize = StreamWindowBytes, UseProxy = false },
                DisposeHttpClient = true,
                MaxReceiveMessageSize = null,
            });
            _channels.Add(channel);
            _invokers.Add(channel.CreateCallInvoker());
        }
    }

    /// <summary>The leader's connection comes first, then one to each other member, and so on.</summary>
    public static async Task<Connections> OpenAsync(LocalCluster cluster, Target target, CancellationToken stop)
    {
        var leader = await cluster.LeaderAsync(stop);
        return new(target == Target.Leader ? [leader] : [leader, .. cluster.Members.Where(member => member != leader)]);
    }

    /// <summary>The connection of the client with that number, from 0.</summary>
    public CallInvoker Of(int client) => _invokers[client % _invokers.Count];

    public void Dispose() => _channels.ForEach(static channel => channel.Dispose());
}
