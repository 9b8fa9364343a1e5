using System.Diagnostics;
using System.Globalization;
using System.Text;
using Raft.Consensus;
using Raft.KeyValue.Ports;
using Raft.Storage.Log;
using Raft.Storage.Ordered;

namespace Raft.Storage.Tests;

/// <summary>
/// Real processes killed with SIGKILL while they write, and what they leave behind. The test program starts itself again as
/// the victim, told by an environment variable what to do.
/// </summary>
[Collection("Locked files")] // a process that is being started holds, for a moment, the locks of the one that starts it
public sealed class CrashTests : IDisposable
{
    private const string RoleVariable = "RAFT_STORAGE_TEST_VICTIM";
    private const int Lives = 8;

    private static readonly StoreOptions Store = new() { WriteBufferBytes = 64 * 1024, BlockCacheBytes = 1024 * 1024 };
    private static readonly LogOptions Log = new() { SegmentBytes = 256 * 1024 };
    private static readonly LogIdentity Identity = new(1, new(1));

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task The_store_is_a_prefix_of_the_batches_after_each_kill()
    {
        _folder.Sub("store");
        long before = 0;
        var model = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var life = 0; life < Lives; life++)
        {
            await KillAfterLinesAsync("store", 50 + (life * 40));
            using var store = OpenStore(_folder.Path);
            var applied = Applied(store);
            Assert.True(applied >= before, "what was durable before is gone");
            for (var number = before + 1; number <= applied; number++)
            {
                ApplyTo(model, number);
            }

            Assert.Equal(model, Content(store));
            before = applied;
        }

        Assert.True(before > 0, "nothing was ever flushed: the test proves nothing");
    }

    [Fact]
    public async Task The_log_holds_all_that_was_acknowledged_after_each_kill()
    {
        SegmentedLog.Create(new Disk.RealDisk(_folder.Sub("log")), Log, Identity);
        for (var life = 0; life < Lives; life++)
        {
            var acknowledged = await KillAfterLinesAsync("log", 20 + (life * 15));
            var (log, recovered) = SegmentedLog.Open(new Disk.RealDisk(_folder.Sub("log")), Log, Identity);
            log.Dispose();
            Assert.True(recovered.Entries.Count >= acknowledged, $"{acknowledged} acknowledged, {recovered.Entries.Count} there");
            Assert.All(recovered.Entries, (entry, i) => Assert.Equal((ulong)i + 1, entry.Id.Index.Value));
        }
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Called by the program before the test runner: returns only if this process is no victim.</summary>
    internal static void BecomeTheVictimIfToldTo()
    {
        if (Environment.GetEnvironmentVariable(RoleVariable)?.Split(':', 2) is not [var role, var path])
        {
            return;
        }

        if (role == "store")
        {
            WriteStoreForEver(path);
        }
        else
        {
            WriteLogForEver(path);
        }
    }

    private static void WriteStoreForEver(string path)
    {
        using var store = OpenStore(path);
        for (var number = Applied(store) + 1; ; number++)
        {
            var batch = new OrderedBatch();
            foreach (var (key, value) in Changes(number))
            {
                if (value is null)
                {
                    batch.DeleteRange(Bytes(key), Bytes(key + "~"));
                }
                else
                {
                    batch.Put(Bytes(key), Bytes(value));
                }
            }

            batch.Put(Bytes("applied"), Bytes(number.ToString(CultureInfo.InvariantCulture)));
            store.Write(batch);
            if (number % 97 == 0)
            {
                store.FlushAsync().Wait();
            }

            Console.WriteLine(number);
        }
    }

    private static void WriteLogForEver(string path)
    {
        var (log, recovered) = WriteAheadLog.Open(new Disk.RealDisk(Path.Combine(path, "log")), Log, Identity);
        using var room = new SemaphoreSlim(20);
        for (var index = recovered.Base.Index.Value + (ulong)recovered.Entries.Count + 1; ; index++)
        {
            room.Wait();
            var entry = new LogEntry(new(new(1), new(index)), EntryKind.Command, new byte[500]);
            log.Append(new(index, null, [entry], null), (write, error) =>
            {
                Console.WriteLine(error is null ? write.Sequence : throw error);
                room.Release();
            });
        }
    }

    /// <summary>Starts a victim, kills it after that many lines, and gives the last number it printed.</summary>
    private async Task<long> KillAfterLinesAsync(string role, int lines)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(CrashTests).Assembly.Location);
        }

        start.Environment[RoleVariable] = $"{role}:{_folder.Path}";
        using var victim = Process.Start(start)!;
        try
        {
            long last = 0;
            for (var line = 0; line < lines; line++)
            {
                var text = await victim.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
                last = long.Parse(text ?? throw new InvalidOperationException("The victim died by itself."), CultureInfo.InvariantCulture);
            }

            return last;
        }
        finally
        {
            victim.Kill();
            await victim.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>What batch number n does: puts, and now and then a range deleted (null).</summary>
    private static IEnumerable<(string Key, string? Value)> Changes(long number)
    {
        var random = new Random((int)number);
        for (var count = random.Next(1, 6); count > 0; count--)
        {
            var key = $"key-{random.Next(50)}";
            yield return random.Next(8) == 0 ? (key, null) : (key, new string((char)('a' + random.Next(26)), random.Next(600)));
        }
    }

    private static void ApplyTo(SortedDictionary<string, string> model, long number)
    {
        foreach (var (key, value) in Changes(number))
        {
            if (value is not null)
            {
                model[key] = value;
                continue;
            }

            foreach (var gone in model.Keys
                .Where(k => string.CompareOrdinal(k, key) >= 0 && string.CompareOrdinal(k, key + "~") < 0).ToList())
            {
                model.Remove(gone);
            }
        }

        model["applied"] = number.ToString(CultureInfo.InvariantCulture);
    }

    private static SortedDictionary<string, string> Content(RocksStore store)
    {
        var content = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using var cursor = store.OpenCursor();
        for (var there = cursor.SeekAtOrAfter([]); there; there = cursor.MoveNext())
        {
            content[Encoding.UTF8.GetString(cursor.Key)] = Encoding.UTF8.GetString(cursor.Value);
        }

        return content;
    }

    private static long Applied(RocksStore store) =>
        store.Get(Bytes("applied")) is { } value ? long.Parse(Encoding.UTF8.GetString(value), CultureInfo.InvariantCulture) : 0;

    private static RocksStore OpenStore(string path) => RocksStore.Open(
        Directory.CreateDirectory(Path.Combine(path, "store")).FullName,
        Directory.CreateDirectory(Path.Combine(path, "staging")).FullName,
        Store);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
