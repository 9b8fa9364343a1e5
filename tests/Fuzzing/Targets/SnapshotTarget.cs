using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Raft.Storage.Ordered;
using Raft.Transport;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// A snapshot stream into the peer service and a real staging folder, as fields 1 of a message. First byte odd: checksums of
/// chunks are made right again.
/// </summary>
internal sealed class SnapshotTarget : IFuzzTarget
{
    private static readonly PeerOptions Options = new() { ClusterId = 7, Self = new(1) };

    public string Name => "snapshot";

    public long AllocationBytesMax => 32 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        var head = new PeerFrame { ClusterId = 7, From = 2, To = 1 };
        head.Messages.Add(MessageMapping.ToWire(new()
        {
            Kind = MessageKind.SnapshotRequest,
            From = new(2),
            To = new(1),
            Term = new(3),
            Snapshot = new(new(new(3), new(9)), new([new(1), new(2)], [new(3)])),
        }));
        SnapshotChunk[] whole =
        [
            new() { Head = head }, Chunk("000008.sst", 300), Chunk("000008.sst", 50), Chunk("MANIFEST-000005", 40), Chunk("CURRENT", 16),
            new() { Done = true },
        ];
        yield return ("whole", Pack(0, whole));
        yield return ("whole-resealed", Pack(1, whole));
        yield return ("without-end", Pack(0, whole[..^1]));
        yield return ("without-head", Pack(0, whole[1..]));
        yield return ("outside", Pack(0, [whole[0], Chunk("../outside", 4), whole[^1]]));
        yield return ("rooted", Pack(0, [whole[0], Chunk("/tmp/outside", 4), whole[^1]]));
        yield return ("back-to-a-file", Pack(0, [whole[0], Chunk("a", 4), Chunk("b", 4), Chunk("a", 4), whole[^1]]));
    }

    public string Run(byte[] input)
    {
        if (input.Length == 0 || WireField.TryParse(input.AsSpan(1)) is not { } fields)
            return "refused (no stream)";
        using var folder = new Folder();
        using var endpoint = new PeerEndpoint();
        var inbox = new Inbox(folder, _ => throw new FuzzFindingException("a snapshot is no message"));
        using var closing = new Closing(new PeerTransport(Options, inbox, NullLogger<PeerTransport>.Instance));
        endpoint.Serve(Options, inbox, closing.Transport);
        try
        {
            var service = new PeerService(endpoint, NullLogger<PeerService>.Instance);
            service.Snapshot(new Streamed<SnapshotChunk>(Chunks(fields, input[0] % 2 == 1)), new Call()).GetAwaiter().GetResult();
            if (inbox.Snapshot is null)
                throw new FuzzFindingException("a snapshot was acknowledged and not delivered");
            inbox.Snapshot.Dispose();
            folder.Check();
            return "taken";
        }
        catch (Exception refusal) when (refusal is RpcException or InvalidProtocolBufferException)
        {
            if (inbox.Snapshot is not null)
                throw new FuzzFindingException("a snapshot was refused and delivered");
            folder.Check();
            return refusal is RpcException { StatusCode: StatusCode.Internal }
                ? throw new FuzzFindingException($"a wrong snapshot passes for a failure of the disk: {refusal.Message}")
                : $"refused ({(refusal as RpcException)?.StatusCode.ToString() ?? "no protobuf"})";
        }
    }

    private static IEnumerable<SnapshotChunk> Chunks(IEnumerable<WireField> fields, bool reseal)
    {
        foreach (var field in fields)
        {
            var chunk = SnapshotChunk.Parser.ParseFrom(field.Payload ?? []);
            if (reseal)
                chunk.Checksum = Checksum.Of(chunk.Data.Span);
            yield return chunk;
        }
    }

    private static SnapshotChunk Chunk(string file, int bytes)
    {
        var data = new byte[bytes];
        new Random(bytes).NextBytes(data);
        return new() { File = file, Data = ByteString.CopyFrom(data), Checksum = Checksum.Of(data) };
    }

    private static byte[] Pack(byte reseal, IEnumerable<SnapshotChunk> chunks) =>
        [reseal, .. WireField.Encode(chunks.Select(chunk => new WireField(0x0A, 0, chunk.ToByteArray())))];

    /// <summary>A transport whose end is waited for.</summary>
    private sealed record Closing(PeerTransport Transport) : IDisposable
    {
        public void Dispose() => Transport.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>A staging folder inside another, in which nothing else may appear.</summary>
    private sealed class Folder : ISnapshotReceiver, IDisposable
    {
        private readonly DirectoryInfo _outer = Directory.CreateTempSubdirectory("raft-fuzzing-");

        public IReceivedSnapshot Begin() => new StagedSnapshot(Path.Combine(_outer.FullName, "staging"));

        /// <summary>Whatever came of the snapshot, once it is disposed of there is nothing left of it.</summary>
        public void Check()
        {
            if (_outer.EnumerateFileSystemInfos().Any())
                throw new FuzzFindingException("a snapshot left something behind, or outside its folder");
        }

        public void Dispose() => _outer.Delete(recursive: true);
    }
}
