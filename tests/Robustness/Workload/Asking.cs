using Grpc.Core;
using Raft.Linearizability;

namespace Raft.Robustness.Tests.Workload;

/// <summary>A way to get an answer.</summary>
internal interface IAsking
{
    /// <summary>Asks until there is an answer or no hope for one.</summary>
    Task<Outcome> AskAsync(Request request, CancellationToken stop);
}

/// <summary>What became of a request.</summary>
/// <param name="Response">The answer, if there is one.</param>
/// <param name="IsWithoutEffect">Without an answer: whether it is sure to have no effect.</param>
internal readonly record struct Outcome(Response? Response, bool IsWithoutEffect = false);

/// <summary>As a client of etcd: one attempt, of which one may never know what became.</summary>
internal sealed class AskingOnce(Connections connections) : IAsking
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    public async Task<Outcome> AskAsync(Request request, CancellationToken stop)
    {
        try
        {
            return new Outcome(await Messages.SendAsync(connections.KeyValue, request, new CallOptions(deadline: DateTime.UtcNow + Patience)));
        }
        catch (RpcException failure)
        {
            connections.GoOn();
            return new Outcome(null, !Messages.MayWrite(request) || Connections.IsWithoutEffect(failure));
        }
    }
}
