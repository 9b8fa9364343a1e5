using Grpc.Core;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>What other members call on this one, apart from the streams: see <see cref="PeerStreams"/>.</summary>
public sealed class PeerService(PeerEndpoint endpoint, ILogger<PeerService> logger) : Peer.PeerBase
{
    /// <inheritdoc/>
    public override async Task<SnapshotReceived> Snapshot(IAsyncStreamReader<SnapshotChunk> requestStream, ServerCallContext context)
    {
        var (options, inbox, _, closed) = endpoint.Require();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, closed);
        var receiving = new SnapshotReception(requestStream, options, inbox, logger);
        try
        {
            await receiving.RunAsync(ended.Token).ConfigureAwait(false);
            return new();
        }
        catch (RpcException refusal)
        {
            throw Refuse(receiving, refusal);
        }
    }

    /// <inheritdoc/>
    public override Task<MembersResponse> Members(MembersRequest request, ServerCallContext context)
    {
        var (_, inbox, transport, _) = endpoint.Require();
        var response = inbox.Members();
        response.Heard.AddRange(transport.HeardSinceStart.Select(member => member.Value));
        return Task.FromResult(response);
    }

    /// <inheritdoc/>
    public override async Task<StateHashResponse> StateHash(StateHashRequest request, ServerCallContext context)
    {
        var (options, inbox, _, closed) = endpoint.Require();
        PeerHandshake.CheckSender(request.ClusterId, request.From, options, inbox);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, closed);
        try
        {
            var response = await inbox.StateHashAsync(request, ended.Token).ConfigureAwait(false);
            (response.ClusterId, response.MemberId) = (options.ClusterId, options.Self.Value);
            return response;
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            throw new RpcException(new(StatusCode.Unavailable, "this member stops"));
        }
    }

    private RpcException Refuse(SnapshotReception receiving, RpcException refusal)
    {
        TransportMetrics.ReceiveFailures.Add(1, TransportMetrics.From(receiving.IsChecked ? receiving.From : MemberId.None));
        PeerLog.Refused(logger, receiving.From, refusal.Status.Detail);
        return refusal;
    }
}
