using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport;

/// <summary>The receiving end: what other members call on this one.</summary>
public sealed class PeerService(PeerEndpoint endpoint, ILogger<PeerService> logger) : Peer.PeerBase
{
    /// <inheritdoc/>
    public override async Task<MessagesResponse> Messages(IAsyncStreamReader<PeerFrame> requestStream, ServerCallContext context)
    {
        var (options, inbox, transport, closed) = endpoint.Require();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, closed);
        var from = MemberId.None;
        try
        {
            while (await requestStream.MoveNext(ended.Token).ConfigureAwait(false))
            {
                var frame = requestStream.Current;
                if (from == MemberId.None)
                {
                    from = new(frame.From);
                    PeerHandshake.Check(frame, options, inbox);
                    await context.WriteResponseHeadersAsync(PeerHandshake.Headers(options)).ConfigureAwait(false);
                    transport.Heard(from);
                }
                else if (inbox.IsRemoved(from))
                {
                    PeerHandshake.CheckSender(frame.ClusterId, frame.From, options, inbox);
                }

                TransportMetrics.ReceivedBytes.Add(frame.CalculateSize(), TransportMetrics.From(from));
                foreach (var wire in frame.Messages)
                {
                    Deliver(MessageMapping.FromWire(wire), from, options, inbox, transport);
                }
            }

            return new();
        }
        catch (Exception error) when (error is InvalidDataException or InvalidProtocolBufferException)
        {
            throw Refuse(from, new RpcException(new(StatusCode.InvalidArgument, error.Message)));
        }
        catch (RpcException refusal)
        {
            throw Refuse(from, refusal);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            return new(); // the connection is gone, or this member stops
        }
    }

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
            throw Refuse(receiving.From, refusal);
        }
    }

    /// <inheritdoc/>
    public override async Task Forward(
        IAsyncStreamReader<ForwardFrame> requestStream, IServerStreamWriter<ForwardAnswers> responseStream, ServerCallContext context)
    {
        var (options, inbox, _, closed) = endpoint.Require();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, closed);
        try
        {
            await new ForwardReception(requestStream, responseStream, options, inbox).RunAsync(ended.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // The connection is gone, or this member stops.
        }
    }

    /// <inheritdoc/>
    public override Task<ReadIndexResponse> ReadIndex(ReadIndexRequest request, ServerCallContext context)
    {
        var (options, inbox, _, _) = endpoint.Require();
        PeerHandshake.CheckSender(request.ClusterId, request.From, options, inbox);
        return inbox.ReadIndexAsync(request, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task<MembersResponse> Members(MembersRequest request, ServerCallContext context) =>
        Task.FromResult(endpoint.Require().Inbox.Members());

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

    private static void Deliver(Message message, MemberId from, PeerOptions options, IPeerInbox inbox, PeerTransport transport)
    {
        if (message.From != from || message.To != options.Self)
        {
            throw new InvalidDataException($"member {from} sent a message from {message.From} to {message.To}");
        }

        if (message.Kind == MessageKind.SnapshotRequest)
        {
            // The core would start its log anew for data that never came.
            throw new InvalidDataException($"member {from} sent a snapshot's message without the snapshot");
        }

        if (message.Kind == MessageKind.HeartbeatResponse)
        {
            transport.Answered(from);
        }

        inbox.Receive(message);
    }

    private RpcException Refuse(MemberId from, RpcException refusal)
    {
        TransportMetrics.ReceiveFailures.Add(1, TransportMetrics.From(from));
        PeerLog.Refused(logger, from, refusal.Status.Detail);
        return refusal;
    }
}
