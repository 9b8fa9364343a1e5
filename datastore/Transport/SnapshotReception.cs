using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>One snapshot on its way in: every chunk is checked before it is written, and nothing half done is delivered.</summary>
internal sealed class SnapshotReception(
    IAsyncStreamReader<SnapshotChunk> stream, PeerOptions options, IPeerInbox inbox, ILogger logger)
{
    /// <summary>Who sends it, once that is known.</summary>
    public MemberId From { get; private set; }

    /// <summary>Whether that was checked: anybody may say any name.</summary>
    public bool IsChecked { get; private set; }

    /// <summary>Takes the snapshot in and hands it over with its message.</summary>
    /// <exception cref="RpcException">It was not what it should be, or broke off; nothing of it is left.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        idle.CancelAfter(options.SnapshotIdleTimeout);
        IReceivedSnapshot? received = null;
        try
        {
            var message = await ReadHeadAsync(idle.Token).ConfigureAwait(false);
            received = inbox.Snapshots.Begin();
            var bytes = await ReadFilesAsync(received, idle).ConfigureAwait(false);
            await received.CompleteAsync(idle.Token).ConfigureAwait(false);
            TransportMetrics.SnapshotsReceived.Add(1, TransportMetrics.From(From));
            PeerLog.SnapshotReceived(logger, From, bytes);
            inbox.ReceiveSnapshot(message, received);
            received = null; // the inbox has it now
        }
        catch (Exception error) when (error is InvalidDataException or InvalidProtocolBufferException)
        {
            throw new RpcException(new(StatusCode.DataLoss, error.Message));
        }
        catch (IOException error)
        {
            PeerLog.SnapshotGivenUp(logger, From, error.Message);
            throw new RpcException(new(StatusCode.Internal, $"the snapshot could not be stored: {error.Message}"));
        }
        catch (OperationCanceledException)
        {
            PeerLog.SnapshotGivenUp(logger, From, "the sender went away or made no progress");
            throw new RpcException(new(StatusCode.Cancelled, "the snapshot broke off"));
        }
        finally
        {
            received?.Dispose();
        }
    }

    private async Task<Consensus.Message> ReadHeadAsync(CancellationToken cancellation)
    {
        var head = await stream.MoveNext(cancellation).ConfigureAwait(false) ? stream.Current.Head : null;
        if (head is not { Messages: [var wire] })
        {
            throw new RpcException(new(StatusCode.InvalidArgument, "a snapshot begins with the message that it belongs to"));
        }

        From = new(head.From);
        PeerHandshake.Check(head, options, inbox);
        IsChecked = true;
        var message = MessageMapping.FromWire(wire);
        return message.Kind == MessageKind.SnapshotRequest && message.Snapshot is not null && message.From == From
            && message.To == options.Self
            ? message
            : throw new RpcException(new(StatusCode.InvalidArgument, "the message does not belong to a snapshot for this member"));
    }

    private async Task<long> ReadFilesAsync(IReceivedSnapshot received, CancellationTokenSource idle)
    {
        long bytes = 0;
        while (await stream.MoveNext(idle.Token).ConfigureAwait(false))
        {
            var chunk = stream.Current;
            if (chunk.Done)
            {
                return bytes;
            }

            if (Checksum.Of(chunk.Data.Span) != chunk.Checksum)
            {
                throw new InvalidDataException($"a chunk of '{chunk.File}' was damaged on the way");
            }

            await received.WriteAsync(chunk.File, chunk.Data.Memory, idle.Token).ConfigureAwait(false);
            bytes += chunk.Data.Length;
            TransportMetrics.ReceivedBytes.Add(chunk.Data.Length, TransportMetrics.From(From));
            idle.CancelAfter(options.SnapshotIdleTimeout);
        }

        throw new InvalidDataException("the snapshot ended before its last chunk");
    }
}
