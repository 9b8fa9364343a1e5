using System.Security.Cryptography;
using Raft.Node.Ports;
using Raft.Server.Restore;
using Raft.Server.Services;
using Raft.Storage.Ordered;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// A backup as a file, unpacked into a real staging folder. By the first byte: as it is, without comparing its SHA-256, or with the
/// SHA-256 made right again.
/// </summary>
internal sealed class RestoreTarget : IFuzzTarget
{
    public string Name => "restore";

    public long AllocationBytesMax => 32 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        var whole = Write(("000008.sst", 700), ("MANIFEST-000005", 40), ("CURRENT", 16), ("empty", 0));
        for (byte how = 0; how < 3; how++)
            yield return ($"whole-{how}", [how, .. whole]);
        yield return ("without-end", [1, .. whole[..^600]]);
        yield return ("outside", [2, .. Write(("../outside", 4))]);
        yield return ("rooted", [2, .. Write(("/tmp/outside", 4))]);
        yield return ("folder", [2, .. Write(("folder/file", 4))]);
    }

    public string Run(byte[] input)
    {
        var outer = Directory.CreateTempSubdirectory("raft-fuzzing-");
        try
        {
            var file = Path.Combine(outer.FullName, "snapshot");
            var how = input.Length > 0 ? input[0] % 3 : 0;
            var content = input[Math.Min(1, input.Length)..];
            File.WriteAllBytes(file, how == 2 ? Resealed(content) : content);
            var outcome = Unpack(file, Path.Combine(outer.FullName, "staging"), skipHashCheck: how == 1);
            return outer.EnumerateFileSystemInfos().All(left => left.Name == "snapshot")
                ? outcome
                : throw new FuzzFindingException("a backup left something behind, or outside its folder");
        }
        finally
        {
            outer.Delete(recursive: true);
        }
    }

    private static string Unpack(string file, string staging, bool skipHashCheck)
    {
        try
        {
            UnpackAsync(file, staging, skipHashCheck).GetAwaiter().GetResult();
            return "taken";
        }
        catch (SnapshotException)
        {
            return "refused";
        }
    }

    private static async Task UnpackAsync(string file, string staging, bool skipHashCheck)
    {
        using var snapshot = await SnapshotFile.OpenAsync(file, skipHashCheck);
        using var received = new StagedSnapshot(staging);
        await snapshot.UnpackAsync(received);
    }

    private static byte[] Resealed(byte[] content)
    {
        var archive = content[..(content.Length / 512 * 512)];
        return [.. archive, .. SHA256.HashData(archive)];
    }

    private static byte[] Write(params (string Path, long LengthBytes)[] files)
    {
        using var written = new MemoryStream();
        SnapshotStream.WriteAsync(new Files(files), (chunk, _) => written.WriteAsync(chunk).AsTask()).GetAwaiter().GetResult();
        return written.ToArray();
    }

    /// <summary>Files without content to speak of.</summary>
    private sealed class Files((string Path, long LengthBytes)[] files) : IStateSnapshot
    {
        IReadOnlyList<(string Path, long LengthBytes)> IStateSnapshot.Files => files;

        public Stream OpenFile(string path)
        {
            var content = new byte[files.Single(file => file.Path == path).LengthBytes];
            new Random(content.Length).NextBytes(content);
            return new MemoryStream(content);
        }

        public void Dispose()
        {
        }
    }
}
