using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Raft.Consensus;

/// <summary>Who takes part: voters count in quorums, learners only receive the log (Raft thesis, section 4.2.1).</summary>
/// <param name="Voters">Members whose votes and acknowledgements count.</param>
/// <param name="Learners">Members that catch up; disjoint from the voters.</param>
public sealed record Configuration(ImmutableSortedSet<MemberId> Voters, ImmutableSortedSet<MemberId> Learners)
{
    /// <summary>Nobody: what a member knows before its log or a snapshot tells it.</summary>
    public static Configuration Empty { get; } = new([], []);

    /// <summary>Votes needed to decide: more than half of the voters.</summary>
    public int Quorum => (Voters.Count / 2) + 1;

    /// <summary>Voters, then learners.</summary>
    public IEnumerable<MemberId> Members => Voters.Concat(Learners);

    /// <summary>Whether the member is a voter or a learner here.</summary>
    public bool Contains(MemberId member) => Voters.Contains(member) || Learners.Contains(member);

    /// <summary>The configuration after the change. A change that changes nothing gives an equal configuration.</summary>
    public Configuration Apply(ConfigurationChange change) => change.Kind switch
    {
        ConfigurationChangeKind.AddVoter or ConfigurationChangeKind.PromoteLearner =>
            new(Voters.Add(change.Member), Learners.Remove(change.Member)),
        ConfigurationChangeKind.AddLearner when !Voters.Contains(change.Member) =>
            this with { Learners = Learners.Add(change.Member) },
        ConfigurationChangeKind.RemoveMember =>
            new(Voters.Remove(change.Member), Learners.Remove(change.Member)),
        _ => this,
    };

    /// <inheritdoc/>
    public bool Equals(Configuration? other) =>
        other is not null && Voters.SetEquals(other.Voters) && Learners.SetEquals(other.Learners);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Voters.Count, Learners.Count);

    /// <inheritdoc/>
    public override string ToString() => $"voters [{string.Join(' ', Voters)}] learners [{string.Join(' ', Learners)}]";
}

/// <summary>The one thing that a configuration change does. One at a time: Raft thesis, section 4.1.</summary>
public enum ConfigurationChangeKind : byte
{
    /// <summary>Adds a member that receives the log and does not vote.</summary>
    AddLearner = 1,

    /// <summary>Makes a learner a voter.</summary>
    PromoteLearner = 2,

    /// <summary>Adds a voter directly, as etcd's MemberAdd without the learner flag does.</summary>
    AddVoter = 3,

    /// <summary>Removes a voter or learner.</summary>
    RemoveMember = 4,
}

/// <summary>A change of members as it stands in the log.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Member">To whom.</param>
/// <param name="Context">Opaque to the consensus core: names and URLs for those who apply it.</param>
public sealed record ConfigurationChange(ConfigurationChangeKind Kind, MemberId Member, ReadOnlyMemory<byte> Context)
{
    private const int HeaderBytes = 1 + sizeof(ulong);

    /// <summary>The bytes of a log entry: kind, member id (little endian), context.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[HeaderBytes + Context.Length];
        bytes[0] = (byte)Kind;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(1), Member.Value);
        Context.Span.CopyTo(bytes.AsSpan(HeaderBytes));
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The bytes are no configuration change.</exception>
    public static ConfigurationChange Decode(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < HeaderBytes || !Enum.IsDefined((ConfigurationChangeKind)bytes.Span[0]))
        {
            throw new InvalidDataException("A configuration change entry is malformed.");
        }

        return new(
            (ConfigurationChangeKind)bytes.Span[0],
            new MemberId(BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span[1..])),
            bytes[HeaderBytes..]);
    }
}
