using System.Buffers;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport;

/// <summary>
/// Streams a snapshot to one member over a connection of its own, a chunk at a time: the receiver's pace is the sender's, and
/// neither holds more than a few chunks in memory.
/// </summary>
internal sealed class SnapshotSender(PeerOptions options, ILogger logger)
{
    /// <summary>Tries each URL until one takes all of it. Never throws.</summary>
    /// <returns>Whether the receiver has the snapshot, durable.</returns>
    public async Task<bool> SendAsync(
        Message message, IStateSnapshot snapshot, IReadOnlyList<string> urls, CancellationToken cancellation)
    {
        var error = "no peer URL is known";
        foreach (var url in urls)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                var bytes = await SendAsync(message, snapshot, url, cancellation).ConfigureAwait(false);
                TransportMetrics.SnapshotsSent.Add(1, TransportMetrics.To(message.To));
                PeerLog.SnapshotSent(logger, message.To, bytes, Stopwatch.GetElapsedTime(started).TotalSeconds);
                return true;
            }
            catch (RpcException failure)
            {
                error = PeerChannel.Explain(failure, url);
            }
#pragma warning disable CA1031 // Whatever it was, the answer is that the snapshot did not arrive.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                error = $"{url}: {failure.Message}";
            }
        }

        TransportMetrics.SnapshotsFailed.Add(1, TransportMetrics.To(message.To));
        PeerLog.SnapshotNotSent(logger, message.To, error);
        return false;
    }

    private async Task<long> SendAsync(Message message, IStateSnapshot snapshot, string url, CancellationToken cancellation)
    {
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        idle.CancelAfter(options.SnapshotIdleTimeout);
        using var channel = PeerChannel.Open(url, options);
        using var call = new Peer.PeerClient(channel).Snapshot(cancellationToken: idle.Token);
        try
        {
            await call.RequestStream.WriteAsync(Head(message), idle.Token).ConfigureAwait(false);
            var total = await SendFilesAsync(snapshot, call.RequestStream, message.To, idle).ConfigureAwait(false);
            await call.RequestStream.WriteAsync(new() { Done = true }, idle.Token).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            idle.CancelAfter(options.SnapshotIdleTimeout);
            await call.ResponseAsync.ConfigureAwait(false);
            return total;
        }
        catch (Exception error) when (error is not RpcException && call.ResponseAsync.IsFaulted)
        {
            await call.ResponseAsync.ConfigureAwait(false); // the receiver's reason, rather than that the stream is closed
            throw;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"no progress within {options.SnapshotIdleTimeout.TotalSeconds} s");
        }
    }

    private async Task<long> SendFilesAsync(
        IStateSnapshot snapshot, IClientStreamWriter<SnapshotChunk> stream, MemberId to, CancellationTokenSource idle)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(options.SnapshotChunkBytes);
        try
        {
            long total = 0;
            foreach (var (path, length) in snapshot.Files)
            {
                var file = snapshot.OpenFile(path);
                await using (file.ConfigureAwait(false))
                {
                    long sent = 0;
                    do
                    {
                        var data = buffer.AsMemory(0, (int)Math.Min(options.SnapshotChunkBytes, length - sent));
                        await file.ReadExactlyAsync(data, idle.Token).ConfigureAwait(false);
                        await stream.WriteAsync(Chunk(path, data), idle.Token).ConfigureAwait(false);
                        idle.CancelAfter(options.SnapshotIdleTimeout);
                        sent += data.Length;
                        TransportMetrics.SentBytes.Add(data.Length, TransportMetrics.To(to));
                    }
                    while (sent < length);
                    total += sent;
                }
            }

            return total;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // The bytes may be shared: a write is serialized before it completes.
    private static SnapshotChunk Chunk(string path, ReadOnlyMemory<byte> data) => new()
    {
        File = path,
        Data = UnsafeByteOperations.UnsafeWrap(data),
        Checksum = Checksum.Of(data.Span),
    };

    private SnapshotChunk Head(Message message) => new()
    {
        Head = new()
        {
            ClusterId = options.ClusterId,
            From = options.Self.Value,
            To = message.To.Value,
            Messages = { MessageMapping.ToWire(message) },
        },
    };
}
