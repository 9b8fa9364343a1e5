using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport;

/// <summary>One stream of another member, from its first frame to its end.</summary>
/// <param name="stream">The connection, from behind its preface on.</param>
/// <param name="served">What is served; null: nothing yet.</param>
/// <param name="address">Where the connection comes from.</param>
/// <param name="patience">How long the first frame may take, and the sender's end after a refusal.</param>
/// <param name="logger">Told who is refused, and why.</param>
internal sealed class PeerReception(PeerConnection stream, PeerEndpoint.Served? served, string address, TimeSpan patience, ILogger logger)
{
    private readonly ForwardReception? _forwards = served is null ? null : new(stream, served.Options, served.Inbox);
    private MemberId _from = MemberId.None;
    private bool _isChecked;

    /// <summary>Takes in what comes until the stream ends. Whatever comes from outside ends it and no more.</summary>
    /// <param name="preface">What the connection began with.</param>
    public async Task RunAsync(string preface)
    {
        try
        {
            await stream.RunAsync(
                stopped => _forwards?.SendAnswersAsync(stopped) ?? Task.Delay(Timeout.Infinite, stopped),
                () => ReceiveAsync(preface)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or TimeoutException or ObjectDisposedException)
        {
            // The connection is gone, or this member stops.
        }
    }

    private async Task ReceiveAsync(string preface)
    {
        try
        {
            if (!preface.AsSpan().SequenceEqual(PeerConnection.PrefaceText))
            {
                throw new RpcException(new(
                    StatusCode.Unimplemented, $"this member speaks {Readable(PeerConnection.PrefaceText)}, not {Readable(preface)}"));
            }

            if (served is null)
            {
                throw new RpcException(new(StatusCode.Unavailable, "this member has not been started in a cluster"));
            }

            await TakeAsync(served, _forwards!).ConfigureAwait(false);
        }
        catch (Exception error) when (error is InvalidDataException or InvalidProtocolBufferException)
        {
            await RefuseAsync(new(StatusCode.InvalidArgument, error.Message)).ConfigureAwait(false);
        }
        catch (RpcException refusal)
        {
            await RefuseAsync(refusal.Status).ConfigureAwait(false);
        }
    }

    private async Task TakeAsync(PeerEndpoint.Served served, ForwardReception forwards)
    {
        var (options, inbox, transport, _) = served;
        if (await ReadFirstAsync().ConfigureAwait(false) is not { } frame)
        {
            return;
        }

        _from = new(frame.From);
        PeerHandshake.Check(frame, options, inbox);
        _isChecked = true;
        var tag = TransportMetrics.From(_from);
        await stream.WriteAsync(Introduction()).ConfigureAwait(false);
        transport.Heard(_from);
        for (PeerFrame? next = frame; next is not null; next = await stream.ReadAsync(PeerFrame.Parser).ConfigureAwait(false))
        {
            PeerHandshake.CheckSender(options.ClusterId, _from.Value, options, inbox); // it may be removed at any time
            TransportMetrics.ReceivedBytes.Add(stream.ReadBytes, tag);
            foreach (var wire in next.Messages)
            {
                Deliver(MessageMapping.FromWire(wire), served);
            }

            forwards.Take(next.Requests, stream.Ended);
        }
    }

    private async Task<PeerFrame?> ReadFirstAsync()
    {
        using var limit = EndAfterPatience();
        return await stream.ReadAsync(PeerFrame.Parser, PeerHandshake.FrameBytesMax).ConfigureAwait(false);
    }

    private void Deliver(Message message, PeerEndpoint.Served served)
    {
        if (message.From != _from || message.To != served.Options.Self)
        {
            throw new InvalidDataException($"member {_from} sent a message from {message.From} to {message.To}");
        }

        if (message.Kind == MessageKind.SnapshotRequest)
        {
            // The core would start its log anew for data that never came.
            throw new InvalidDataException($"member {_from} sent a snapshot's message without the snapshot");
        }

        if (message.Kind == MessageKind.HeartbeatResponse)
        {
            served.Transport.Answered(_from);
        }

        served.Inbox.Receive(message);
    }

    private async Task RefuseAsync(Status refusal)
    {
        TransportMetrics.ReceiveFailures.Add(1, TransportMetrics.From(_isChecked ? _from : MemberId.None)); // anybody may say any name
        if (_from == MemberId.None)
        {
            PeerLog.RefusedConnection(logger, address, refusal.Detail);
        }
        else
        {
            PeerLog.Refused(logger, _from, refusal.Detail);
        }

        var reply = Introduction();
        reply.Refusal = new() { Code = (uint)refusal.StatusCode, Message = refusal.Detail };
        using var limit = EndAfterPatience();
        await stream.WriteAsync(reply).ConfigureAwait(false);
        await stream.DiscardAsync().ConfigureAwait(false);
    }

    private PeerReply Introduction() => served is null
        ? new()
        : new() { ClusterId = served.Options.ClusterId, Member = served.Options.Self.Value };

    private Timer EndAfterPatience() =>
        new(static stream => ((PeerConnection)stream!).Abort(), stream, patience, Timeout.InfiniteTimeSpan);

    private static string Readable(string preface) =>
        new([.. preface.Trim().Select(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' ? c : '?')]);
}
