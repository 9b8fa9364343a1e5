using Google.Protobuf;
using Raft.Consensus;
using Raft.InMemory;
using Raft.Protocol.V1;
using Raft.Storage;
using Raft.Storage.Disk;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// Small records that are read again later: by the first byte, a change of members in the log, the identity file, or the
/// identity file with its checksum made right again.
/// </summary>
internal sealed class RecordTarget : IFuzzTarget
{
    public string Name => "record";

    public long AllocationBytesMax => 4 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        var member = new MemberChange { Member = new() { ID = 5, Name = "five", PeerURLs = { "http://five:2380" } } };
        yield return ("change", [0, .. new ConfigurationChange(ConfigurationChangeKind.AddLearner, new(5), member.ToByteArray()).Encode()]);

        var disk = new InMemoryDisk();
        IdentityFile.Write(disk, new()
        {
            ClusterId = 7,
            MemberId = 1,
            Name = "one",
            FormedCluster = true,
            InitialMembers = [new(1, "one", ["http://one:2380"], false)],
        });
        yield return ("identity", [1, .. disk[IdentityFile.Name]]);
        yield return ("identity-resealed", [2, .. disk[IdentityFile.Name]]);
        yield return ("identity-empty", [2, .. """{"version":1}"""u8, (byte)'\n']);
        yield return ("identity-null", [2, .. """{"version":1,"identity":null}"""u8, (byte)'\n']);
        yield return ("identity-null-name", [2, .. """{"version":1,"identity":{"clusterId":1,"memberId":1,"name":null,"formedCluster":true,"initialMembers":[]}}"""u8, (byte)'\n']);
        yield return ("identity-null-members", [2, .. """{"version":1,"identity":{"clusterId":1,"memberId":1,"name":"a","formedCluster":true,"initialMembers":null}}"""u8, (byte)'\n']);
        yield return ("identity-null-member", [2, .. """{"version":1,"identity":{"clusterId":1,"memberId":1,"name":"a","formedCluster":true,"initialMembers":[null]}}"""u8, (byte)'\n']);
    }

    public string Run(byte[] input)
    {
        var bytes = input.AsSpan(Math.Min(1, input.Length)).ToArray();
        return (input.Length > 0 ? input[0] % 3 : 0) switch
        {
            0 => ReadChange(bytes),
            1 => ReadIdentity(bytes),
            _ => ReadIdentity(Reseal(bytes)),
        };
    }

    private static string ReadChange(byte[] bytes)
    {
        try
        {
            var change = ConfigurationChange.Decode(bytes);
            return change.Encode().AsSpan().SequenceEqual(bytes) ? "taken" : throw new FuzzFindingException("a change is written otherwise than it was read");
        }
        catch (InvalidDataException)
        {
            return "refused (change)";
        }
    }

    private static string ReadIdentity(byte[] bytes)
    {
        var disk = new InMemoryDisk { [IdentityFile.Name] = bytes };
        try
        {
            var identity = IdentityFile.Read(disk);
            return identity is { Name: not null, InitialMembers: { } members } && members.All(member => member is { Name: not null, PeerUrls: not null })
                ? "taken"
                : throw new FuzzFindingException("an identity without its parts is taken");
        }
        catch (DataDirectoryException refusal)
        {
            return $"refused (identity: {refusal.Problem})";
        }
    }

    private static byte[] Reseal(byte[] bytes)
    {
        var end = Array.IndexOf(bytes, (byte)'\n');
        var json = end < 0 ? bytes : bytes[..end];
        return [.. json, .. System.Text.Encoding.ASCII.GetBytes($"\ncrc32c {Crc32C.Append(Crc32C.Empty, json):x8}\n")];
    }
}
