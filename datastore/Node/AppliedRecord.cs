using System.Buffers.Binary;
using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Configuration = Raft.Consensus.Configuration;
using WireConfiguration = Raft.Protocol.V1.Configuration;

namespace Raft.Node;

/// <summary>
/// How far the state has come: the last entry applied, and the members as of then. Written in the same batch as the data
/// that it describes, so that no crash can come between them.
/// </summary>
/// <param name="Last">The last entry applied.</param>
/// <param name="Configuration">The configuration as of that entry.</param>
internal sealed record AppliedRecord(EntryId Last, Configuration Configuration)
{
    private const int HeaderBytes = 2 * sizeof(ulong);

    private static ReadOnlySpan<byte> Name => "applied"u8;

    internal static AppliedRecord Nothing { get; } = new(EntryId.Zero, Configuration.Empty);

    internal static AppliedRecord Read(KeyValueStore store)
    {
        using var view = store.OpenView();
        return view.GetNodeValue(Name) is { } bytes ? Decode(bytes) : Nothing;
    }

    /// <summary>The state after the next entry.</summary>
    internal AppliedRecord Follow(EntryId entry)
    {
        Invariant.Holds(entry.Index == Last.Index.Next, $"entries are applied in order, but {entry} follows {Last}");
        return this with { Last = entry };
    }

    internal void Write(StoreTransaction transaction) => transaction.PutNodeValue(Name, Encode());

    private byte[] Encode()
    {
        var configuration = new WireConfiguration();
        configuration.Voters.AddRange(Configuration.Voters.Select(voter => voter.Value));
        configuration.Learners.AddRange(Configuration.Learners.Select(learner => learner.Value));
        var bytes = new byte[HeaderBytes + configuration.CalculateSize()];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Last.Index.Value);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(sizeof(ulong)), Last.Term.Value);
        configuration.WriteTo(bytes.AsSpan(HeaderBytes));
        return bytes;
    }

    private static AppliedRecord Decode(byte[] bytes)
    {
        Invariant.Holds(bytes.Length >= HeaderBytes, "the applied record in the store is whole");
        var configuration = WireConfiguration.Parser.ParseFrom(bytes.AsSpan(HeaderBytes));
        return new AppliedRecord(
            new EntryId(
                new Term(BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(sizeof(ulong)))),
                new LogIndex(BinaryPrimitives.ReadUInt64BigEndian(bytes))),
            new Configuration(
                [.. configuration.Voters.Select(voter => new MemberId(voter))],
                [.. configuration.Learners.Select(learner => new MemberId(learner))]));
    }
}
