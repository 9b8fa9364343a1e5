using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Storage.Log;

namespace Raft.Storage.Tests;

[Collection("Locked files")] // a process that is being started holds, for a moment, the locks of the one that starts it
public sealed class DataDirectoryTests : IDisposable
{
    private static readonly LogOptions Log = new() { SegmentBytes = 64 * 1024 };

    private static readonly MemberIdentity Identity = new()
    {
        ClusterId = 0xC0FFEE,
        MemberId = 0xBEEF,
        Name = "raft-0",
        FormedCluster = false,
        InitialMembers = [new(0xBEEF, "raft-0", ["https://raft-0:2380"], true), new(1, "raft-1", ["https://raft-1:2380"], false)],
    };

    private readonly TemporaryFolder _folder = new();

    private string Data => Path.Combine(_folder.Path, "data");

    [Fact]
    public void A_new_directory_is_blank_and_keeps_the_identity_it_is_given()
    {
        using (var blank = DataDirectory.Open(Data))
        {
            Assert.Null(blank.Identity);
            blank.Initialize(Identity, Log);
        }

        using var directory = DataDirectory.Open(Data);
        Assert.Equivalent(Identity, directory.Identity, strict: true);
        var (log, recovered) = directory.OpenLog(Log);
        log.Dispose();
        Assert.Empty(recovered.Entries);
        directory.OpenStore(new()).Dispose();
    }

    [Fact]
    public void An_identity_is_given_only_once()
    {
        using var directory = Initialized();
        Assert.Throws<InvalidOperationException>(() => directory.Initialize(Identity with { MemberId = 5 }, Log));
        Assert.Equal(Identity.MemberId, directory.Identity!.MemberId);
    }

    [Fact]
    public void Two_processes_cannot_have_it()
    {
        using var first = DataDirectory.Open(Data);
        Assert.Equal(DataDirectoryProblem.InUse, Refused().Problem);
    }

    [Theory]
    [InlineData("initializing")]
    [InlineData("initializing", "log", "store")]
    [InlineData("identity.tmp", "initializing", "log", "store", "staging")]
    [InlineData("lost+found")]
    public void The_rest_of_an_initialization_that_did_not_finish_is_blank(params string[] names)
    {
        foreach (var name in names)
        {
            Directory.CreateDirectory(Path.Combine(Data, name));
        }

        foreach (var file in new[] { "initializing", "identity.tmp" }.Where(names.Contains))
        {
            Directory.Delete(Path.Combine(Data, file));
            File.WriteAllText(Path.Combine(Data, file), "");
        }

        using var directory = DataDirectory.Open(Data);
        Assert.Null(directory.Identity);
        directory.Initialize(Identity, Log);
        directory.OpenLog(Log).Log.Dispose();
    }

    [Theory]
    [InlineData("log")]
    [InlineData("photos")]
    public void A_directory_that_is_not_empty_but_has_no_identity_is_refused(string name)
    {
        Directory.CreateDirectory(Path.Combine(Data, name));
        Assert.Equal(DataDirectoryProblem.Unknown, Refused().Problem);
        Assert.True(Directory.Exists(Path.Combine(Data, name)));
    }

    [Fact]
    public void Any_bit_flipped_in_the_identity_is_found()
    {
        Initialized().Dispose();
        var path = Path.Combine(Data, "identity");
        var content = File.ReadAllBytes(path);
        for (var bit = 0; bit < (content.Length - 1) * 8; bit += 3)
        {
            var damaged = content.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(path, damaged);
            Assert.Equal(DataDirectoryProblem.Corrupt, Refused().Problem);
            Assert.Equal(damaged, File.ReadAllBytes(path));
        }
    }

    [Fact]
    public void An_identity_of_a_newer_version_is_refused()
    {
        Initialized().Dispose();
        var path = Path.Combine(Data, "identity");
        var json = File.ReadAllLines(path)[0].Replace("\"version\":1", "\"version\":99", StringComparison.Ordinal);
        var checksum = Disk.Crc32C.Append(Disk.Crc32C.Empty, System.Text.Encoding.UTF8.GetBytes(json));
        File.WriteAllText(path, $"{json}\ncrc32c {checksum:x8}\n");
        Assert.Equal(DataDirectoryProblem.NewerVersion, Refused().Problem);
    }

    [Theory]
    [InlineData("log")]
    [InlineData("store")]
    public void A_member_that_lost_its_log_or_store_does_not_start_with_an_empty_one(string name)
    {
        Initialized().Dispose();
        Directory.Delete(Path.Combine(Data, name), recursive: true);
        Assert.Equal(DataDirectoryProblem.Corrupt, Refused().Problem);
    }

    [Fact]
    public void A_log_copied_from_another_member_is_refused()
    {
        Initialized().Dispose();
        var other = Path.Combine(_folder.Path, "other");
        using (var directory = DataDirectory.Open(other))
        {
            directory.Initialize(Identity with { MemberId = 5 }, Log);
        }

        Directory.Delete(Path.Combine(Data, "log"), recursive: true);
        Directory.Move(Path.Combine(other, "log"), Path.Combine(Data, "log"));
        using var opened = DataDirectory.Open(Data);
        Assert.Throws<ForeignLogException>(() => opened.OpenLog(Log));
    }

    [Fact]
    public void A_path_that_cannot_be_a_directory_is_a_clear_error()
    {
        File.WriteAllText(Data, "");
        var error = Refused();
        Assert.Equal(DataDirectoryProblem.Unreadable, error.Problem);
        Assert.Contains(Data, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_log_lives_on_a_real_disk()
    {
        using var directory = Initialized();
        for (ulong life = 0; life < 3; life++)
        {
            var (log, recovered) = directory.OpenLog(Log);
            Assert.Equal((int)life * 100, recovered.Entries.Count);
            for (var i = (life * 100) + 1; i <= (life + 1) * 100; i++)
            {
                var entry = new LogEntry(new(new(1), new(i)), EntryKind.Command, new byte[2000]);
                log.Append(new LogWrite(i, null, [entry], null), (_, error) => Assert.Null(error));
            }

            log.Dispose();
        }
    }

    public void Dispose() => _folder.Dispose();

    private DataDirectory Initialized()
    {
        var directory = DataDirectory.Open(Data);
        directory.Initialize(Identity, Log);
        return directory;
    }

    private DataDirectoryException Refused() => Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(Data));
}
