using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Raft.Storage.Disk;

namespace Raft.Storage;

/// <summary>Who a member is, for as long as its data directory lives. Written once.</summary>
public sealed record MemberIdentity
{
    /// <summary>The cluster. Never 0.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>The member. Never 0, never used again after the member was removed.</summary>
    public required ulong MemberId { get; init; }

    /// <summary>The name it was started with.</summary>
    public required string Name { get; init; }

    /// <summary>Whether this member began the cluster as its only voter or one of its first; false: it joined one.</summary>
    public required bool FormedCluster { get; init; }

    /// <summary>Who was in the cluster when the member was initialized: whom to reach until the log tells better.</summary>
    public required IReadOnlyList<InitialMember> InitialMembers { get; init; }
}

/// <summary>A member as it was known at initialization.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name; empty if it was not started yet.</param>
/// <param name="PeerUrls">Where it can be reached.</param>
/// <param name="IsLearner">Whether it had no vote.</param>
public sealed record InitialMember(ulong Id, string Name, IReadOnlyList<string> PeerUrls, bool IsLearner);

/// <summary>
/// The identity file: one JSON object on the first line, the CRC-32C of that line on the second, so that people can read it
/// and a flipped bit cannot turn a member into another.
/// </summary>
internal static class IdentityFile
{
    public const string Name = "identity";
    public const int Version = 1;
    private const string ChecksumPrefix = "crc32c ";

    public static void Write(IDisk disk, MemberIdentity identity)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(new Document(Version, identity), IdentityJson.Default.Document);
        var checksum = Crc32C.Append(Crc32C.Empty, json).ToString("x8", CultureInfo.InvariantCulture);
        AtomicFile.Write(disk, Name, [.. json, .. Encoding.ASCII.GetBytes($"\n{ChecksumPrefix}{checksum}\n")]);
    }

    /// <exception cref="DataDirectoryException">The file is damaged or of a newer version.</exception>
    public static MemberIdentity Read(IDisk disk)
    {
        var path = disk.Describe(Name);
        var content = AtomicFile.Read(disk, Name);
        var end = content.AsSpan().IndexOf((byte)'\n');
        if (end < 0
            || Encoding.ASCII.GetString(content.AsSpan(end + 1)).Trim() is not { } checksum
            || checksum != $"{ChecksumPrefix}{Crc32C.Append(Crc32C.Empty, content.AsSpan(0, end)):x8}")
        {
            throw new DataDirectoryException(DataDirectoryProblem.Corrupt,
                $"'{path}' is damaged: its checksum does not match. Restore the file from a copy, or remove the member from the "
                + "cluster and add it again with an empty data directory. Nothing was changed.");
        }

        try
        {
            using var json = JsonDocument.Parse(content.AsMemory(0, end));
            var version = json.RootElement.GetProperty("version").GetInt32();
            if (version > Version)
            {
                throw new DataDirectoryException(DataDirectoryProblem.NewerVersion,
                    $"'{path}' has format {version}; this version reads up to {Version}. The data directory was written by a newer "
                    + "version: use that one, or a newer one still. Nothing was changed.");
            }

            var identity = json.RootElement.Deserialize(IdentityJson.Default.Document)!.Identity;
            return IsWhole(identity) ? identity : throw new FormatException("a part of the identity is missing.");
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DataDirectoryException(
                DataDirectoryProblem.Corrupt, $"'{path}' cannot be understood: {error.Message} Nothing was changed.", error);
        }
    }

    /// <summary>JSON knows null, where the types do not.</summary>
    private static bool IsWhole(MemberIdentity? identity) =>
        identity is { Name: not null, InitialMembers: { } members }
        && members.All(member => member is { Name: not null, PeerUrls: { } urls } && urls.All(url => url is not null));

    internal sealed record Document(int Version, MemberIdentity Identity);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(IdentityFile.Document))]
internal sealed partial class IdentityJson : JsonSerializerContext;
