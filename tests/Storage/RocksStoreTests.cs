using System.Globalization;
using Raft.KeyValue.Ports;
using Raft.Node.Ports;
using Raft.Storage.Ordered;

namespace Raft.Storage.Tests;

public sealed class RocksStoreTests : OrderedStoreContract, IDisposable
{
    private static readonly StoreOptions Options = new() { WriteBufferBytes = 1024 * 1024, BlockCacheBytes = 4 * 1024 * 1024 };

    private readonly TemporaryFolder _folder = new();
    private int _stores;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected override IOrderedStore Create() => Open($"store-{_stores++}");

    [Fact]
    public async Task What_was_flushed_is_there_after_reopening()
    {
        var store = Open("s");
        Write(store, batch => batch.Put(B("a"), B("1")));
        await store.FlushAsync();
        store.Dispose();
        using var again = Open("s");
        Assert.Equal(B("1"), again.Get(B("a")));
    }

    [Fact]
    public async Task A_snapshot_holds_the_moment_and_installing_it_elsewhere_replaces_everything()
    {
        using var source = Open("source");
        Write(source, batch =>
        {
            for (var i = 0; i < 5000; i++)
            {
                batch.Put(B($"key-{i:d5}"), B($"value-{i}"));
            }
        });
        var snapshot = source.TakeSnapshot();
        Write(source, batch => batch.DeleteRange(B(""), B("z")));

        using var target = Open("target");
        Write(target, batch => batch.Put(B("other"), B("1")));
        using var oldView = target.OpenView();
        await InstallAsync(snapshot, target);
        snapshot.Dispose();

        Assert.Null(target.Get(B("other")));
        Assert.Equal(5000, Keys(target).Count);
        Assert.Equal(B("1"), oldView.Get(B("other")));
        Assert.Equal(2, Generations("target").Length);
        oldView.Dispose();
        Assert.Single(Generations("target"));

        Write(target, batch => batch.Put(B("more"), B("2")));
        target.Dispose();
        using var again = Open("target");
        Assert.Equal(5001, Keys(again).Count);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Sub("staging")));
    }

    [Fact]
    public async Task An_install_that_stopped_before_it_counted_leaves_the_old_state_and_no_rest()
    {
        var store = Open("s");
        Write(store, batch => batch.Put(B("a"), B("1")));
        await store.FlushAsync();
        store.Dispose();
        var staged = Directory.CreateDirectory(Path.Combine(_folder.Sub("s"), "generation-0000000000000002"));
        await File.WriteAllTextAsync(Path.Combine(staged.FullName, "CURRENT"), "half", Stop);
        using var again = Open("s");
        Assert.Equal(B("1"), again.Get(B("a")));
        Assert.Single(Generations("s"));
    }

    [Fact]
    public async Task A_snapshot_that_makes_no_database_is_refused_and_changes_nothing()
    {
        using var store = Open("s");
        Write(store, batch => batch.Put(B("a"), B("1")));
        using var received = store.Begin();
        await received.WriteAsync("CURRENT", B("MANIFEST-000005\n"), Stop);
        await received.WriteAsync("MANIFEST-000005", B("garbage"), Stop);
        await received.CompleteAsync(Stop);
        Assert.Throws<StoreException>(() => store.Install(received));
        Assert.Equal(B("1"), store.Get(B("a")));
        Assert.Single(Generations("s"));
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("/etc/passwd")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("nul\0")]
    public async Task A_snapshot_cannot_write_outside_its_folder(string name)
    {
        using var store = Open("s");
        using var received = store.Begin();
        await Assert.ThrowsAsync<InvalidDataException>(async () => await received.WriteAsync(name, B("x"), Stop));
    }

    [Fact]
    public async Task A_snapshot_given_up_leaves_nothing_on_disk()
    {
        using var store = Open("s");
        var received = store.Begin();
        await received.WriteAsync("1.sst", B("x"), Stop);
        received.Dispose();
        store.TakeSnapshot().Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Sub("staging")));
    }

    [Fact]
    public void A_damaged_store_is_refused_with_its_path()
    {
        Open("s").Dispose();
        var manifest = Directory.EnumerateFiles(Generations("s")[0], "MANIFEST-*").Single();
        File.WriteAllText(manifest, "garbage");
        var error = Assert.Throws<StoreException>(() => Open("s"));
        Assert.Contains(_folder.Path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_that_somebody_else_has_open_is_not_called_damaged()
    {
        using var holder = Open("s");
        var error = Assert.Throws<StoreException>(() => Open("s"));
        Assert.Contains("in use by another process", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("damaged", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleted_data_gives_its_space_back_when_files_are_compacted()
    {
        using var store = Open("s");
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var value = new byte[20_000];
            random.NextBytes(value);
            Write(store, batch => batch.Put(B(i.ToString("d5", CultureInfo.InvariantCulture)), value));
        }

        await store.FlushAsync();
        var full = store.SizeBytes.Total;
        Assert.InRange(full, 3_900_000, 8_000_000);
        Write(store, batch => batch.DeleteRange(B("0"), B("9")));
        await store.CompactFilesAsync();
        using var fresh = Reread(store, size => size.Total < 100_000);
    }

    [Fact]
    public void A_closed_cursor_or_one_that_stands_nowhere_is_an_error_and_no_crash()
    {
        using var store = Open("s");
        var cursor = store.OpenCursor();
        Assert.Throws<InvalidOperationException>(() => cursor.Key.Length);
        Assert.Throws<InvalidOperationException>(() => cursor.MoveNext());
        cursor.Dispose();
        cursor.Dispose();
        Assert.ThrowsAny<InvalidOperationException>(() => cursor.SeekAtOrAfter([]));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task InstallAsync(IStateSnapshot snapshot, RocksStore target)
    {
        using var received = target.Begin();
        var buffer = new byte[1000];
        foreach (var (path, length) in snapshot.Files)
        {
            await using var file = snapshot.OpenFile(path);
            Assert.Equal(length, file.Length);
            for (int read; (read = await file.ReadAsync(buffer, Stop)) > 0;)
            {
                await received.WriteAsync(path, buffer.AsMemory(0, read), Stop);
            }
        }

        await received.CompleteAsync(Stop);
        target.Install(received);
    }

    /// <summary>Sizes are looked up at most twice a second: waits until a fresh look shows what is expected.</summary>
    private static RocksStore Reread(RocksStore store, Func<(long Total, long InUse), bool> expected)
    {
        Assert.True(SpinWait.SpinUntil(() => expected(store.SizeBytes), TimeSpan.FromSeconds(10)));
        return store;
    }

    private RocksStore Open(string name) => RocksStore.Open(_folder.Sub(name), _folder.Sub("staging"), Options);

    private string[] Generations(string name) => Directory.GetDirectories(_folder.Sub(name), "generation-*");
}
