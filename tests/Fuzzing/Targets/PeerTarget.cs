using System.Buffers.Binary;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Raft.Transport;
using Message = Raft.Consensus.Message;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// The first frame of a stream, with messages, into the core of member 1 of three. The first byte says whether that member
/// follows, campaigns or leads; where its highest bit is set, what follows are all bytes of the connection instead.
/// <para>
/// A sender of another cluster must not get a single message through. One of this cluster is trusted: Raft assumes that members
/// fail but do not lie, and a lie that contradicts what is known ends in an <see cref="InvariantViolationException"/>, which
/// stops the member; see the README. Anything else is a failure.
/// </para>
/// </summary>
internal sealed class PeerTarget : IFuzzTarget
{
    private const ulong Cluster = 7;
    private const byte AllBytes = 0x80;

    private static readonly PeerOptions Options = new() { ClusterId = Cluster, Self = new(1) };

    public string Name => "peer";

    public long AllocationBytesMax => 32 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        var change = new ConfigurationChange(ConfigurationChangeKind.AddLearner, new(4), new byte[] { 1, 2 }).Encode();
        LogEntry[] entries =
        [
            new(new(new(3), new(6)), EntryKind.Command, new byte[] { 1, 2, 3 }), new(new(new(3), new(7)), EntryKind.ConfigurationChange, change),
        ];
        (string Name, Message Message)[] messages =
        [
            ("append", Of(MessageKind.AppendRequest) with { Log = new(new(3), new(5)), Entries = entries, Commit = new(7) }),
            ("append-conflict", Of(MessageKind.AppendRequest) with { Log = new(new(1), new(2)), Entries = [new(new(new(2), new(3)), EntryKind.Command, default)] }),
            ("append-malformed-change", Of(MessageKind.AppendRequest) with
            {
                Log = new(new(3), new(5)), Entries = [new(new(new(3), new(6)), EntryKind.ConfigurationChange, new byte[] { 77 })], Commit = new(6),
            }),
            ("append-answer", Of(MessageKind.AppendResponse) with { Log = new(new(3), new(5)), Commit = new(3) }),
            ("append-refused", Of(MessageKind.AppendResponse) with { Log = new(new(3), new(5)), Reject = true, Hint = new(new(1), new(2)) }),
            ("heartbeat", Of(MessageKind.HeartbeatRequest) with { Commit = new(4), Context = 3 }),
            ("heartbeat-answer", Of(MessageKind.HeartbeatResponse) with { Commit = new(3), Context = 1 }),
            ("pre-vote", Of(MessageKind.PreVoteRequest) with { Term = new(5), Log = new(new(3), new(5)) }),
            ("vote", Of(MessageKind.VoteRequest) with { Term = new(5), Log = new(new(3), new(5)), Context = 1 }),
            ("vote-answer", Of(MessageKind.VoteResponse)),
            ("snapshot-without-data", Of(MessageKind.SnapshotRequest) with { Snapshot = new(new(new(3), new(90)), new([new(1), new(2)], [])) }),
            ("timeout-now", Of(MessageKind.TimeoutNow)),
        ];
        foreach (var (name, message) in messages)
        {
            for (byte role = 0; role < 3; role++)
            {
                // The follower is in term 3; campaigning and leading take it into the next.
                var frame = new PeerFrame { ClusterId = Cluster, From = 2, To = 1, Messages = { MessageMapping.ToWire(message with { Term = new(message.Term.Value + (role > 0 ? 1UL : 0)) }) } };
                yield return ($"{name}-{role}", [role, .. frame.ToByteArray()]);
            }
        }

        var heartbeat = new PeerFrame { Messages = { MessageMapping.ToWire(Of(MessageKind.HeartbeatRequest)) } };
        var request = new PeerFrame { Requests = { new ForwardRequest { Number = 1, ReadIndex = new() } } };
        var hello = new PeerFrame { ClusterId = Cluster, From = 2, To = 1 };
        byte[] stream = [.. FrameOf(hello), .. FrameOf(heartbeat), .. FrameOf(null), .. FrameOf(request)];
        yield return ("connection", [AllBytes, .. PeerConnection.Preface, .. stream]);
        yield return ("connection-other-version", [AllBytes, .. "RAFT/2\r\n"u8, .. stream]);
        yield return ("connection-other-protocol", [AllBytes, .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8]);
        yield return ("connection-too-long", [AllBytes, .. PeerConnection.Preface, 0x80, 0, 0, 0, .. stream]);
        yield return ("connection-half", [AllBytes, .. PeerConnection.Preface, .. stream[..^3]]);
        yield return ("other-cluster", [0, .. new PeerFrame { ClusterId = 8, From = 2, To = 1, Messages = { MessageMapping.ToWire(messages[0].Message) } }.ToByteArray()]);
    }

    public string Run(byte[] input)
    {
        var first = input.Length > 0 ? input[0] : (byte)0;
        var rest = input[Math.Min(1, input.Length)..];
        byte[] sent = (first & AllBytes) != 0 ? rest : [.. PeerConnection.Preface, .. LengthOf(rest), .. rest];
        var core = new Core((first & ~AllBytes) % 3);
        var inbox = new Inbox(new NoSnapshots(), core.Receive);
        using var endpoint = new PeerEndpoint();
        var transport = new PeerTransport(Options, inbox, NullLogger<PeerTransport>.Instance);
        endpoint.Serve(Options, inbox, transport);
        using var connection = new PipeConnection(sent);
        var isOfCluster = FirstFrame(sent)?.ClusterId == Cluster;
        try
        {
            var isOther = false;
            var streams = new PeerStreams(endpoint, NullLogger<PeerStreams>.Instance);
            streams.ServeAsync(connection.Context, _ => Task.FromResult(isOther = true)).GetAwaiter().GetResult();
            core.LiveOn();
            var replies = Frames(connection.TakeAnswer(), PeerReply.Parser);
            if (core.Received > 0 && !isOfCluster)
                throw new FuzzFindingException("a message of another cluster got through");
            return isOther ? "refused (other protocol)"
                : replies is [] ? "refused (no frame)"
                : replies[^1].Refusal is { } refusal ? $"refused ({(StatusCode)refusal.Code})"
                : isOfCluster ? "taken" : throw new FuzzFindingException("a frame of another cluster was taken");
        }
        catch (InvariantViolationException) when (isOfCluster)
        {
            return "stopped the member, as a trusted member's lie may";
        }
        finally
        {
            transport.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static PeerFrame? FirstFrame(byte[] sent)
    {
        try
        {
            return sent.AsSpan().StartsWith(PeerConnection.Preface)
                ? Frames(sent[PeerConnection.Preface.Length..], PeerFrame.Parser, most: 1).FirstOrDefault()
                : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static List<T> Frames<T>(byte[] bytes, MessageParser<T> parser, int most = int.MaxValue)
        where T : IMessage<T>
    {
        var frames = new List<T>();
        for (var rest = bytes.AsSpan(); rest.Length >= sizeof(uint) && frames.Count < most;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            rest = rest[sizeof(uint)..];
            if (length > rest.Length)
                break;
            if (length > 0)
                frames.Add(parser.ParseFrom(rest[..(int)length]));
            rest = rest[(int)length..];
        }

        return frames;
    }

    private static byte[] FrameOf(PeerFrame? frame)
    {
        var bytes = frame?.ToByteArray() ?? [];
        return [.. LengthOf(bytes), .. bytes];
    }

    private static byte[] LengthOf(byte[] bytes)
    {
        var length = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(length, (uint)bytes.Length);
        return length;
    }

    private static Message Of(MessageKind kind) => new() { Kind = kind, From = new(2), To = new(1), Term = new(3) };

    private sealed class NoSnapshots : ISnapshotReceiver
    {
        public IReceivedSnapshot Begin() => throw new FuzzFindingException("a message begins a snapshot");
    }

    /// <summary>The core with a disk and a state machine that are always done at once.</summary>
    private sealed class Core
    {
        private readonly ConsensusModule _consensus;

        public Core(int role)
        {
            LogEntry[] entries = [.. new ulong[] { 1, 1, 2, 2, 3 }.Select((term, i) =>
                new LogEntry(new(new(term), new((ulong)i + 1)), EntryKind.Command, new byte[] { (byte)i }))];
            _consensus = new(
                new() { Id = new(1), Random = _ => 0 },
                new(new(new(3), MemberId.None, new(3)), EntryId.Zero, entries, new(2), new([new(1), new(2), new(3)], [])));
            Drain();
            if (role == 0)
                return;
            _consensus.Campaign();
            Drain();
            _consensus.Receive(Of(MessageKind.PreVoteResponse) with { Term = new(4) });
            Drain();
            if (role == 2)
                _consensus.Receive(Of(MessageKind.VoteResponse) with { Term = new(4) });
            Drain();
        }

        public int Received { get; private set; }

        public void Receive(Message message)
        {
            Received++;
            _consensus.Receive(message);
            Drain();
        }

        /// <summary>What a message has left must not break later.</summary>
        public void LiveOn()
        {
            for (var tick = 0; tick < 50; tick++)
            {
                _consensus.Tick();
                Drain();
            }
        }

        private void Drain()
        {
            while (_consensus.HasOutput)
            {
                var output = _consensus.TakeOutput();
                if (output.InstallSnapshot is not null)
                    throw new FuzzFindingException("a message alone makes the member install a snapshot whose data never came");
                if (output.PersistSequence > 0)
                    _consensus.Persisted(output.PersistSequence);
                if (output.Committed.Count > 0)
                    _consensus.Applied(output.Committed[^1].Id.Index);
            }
        }
    }
}
