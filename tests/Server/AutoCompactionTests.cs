using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Raft.Protocol.Etcd;
using Raft.Server.Compaction;
using Raft.Server.Options;

namespace Raft.Server.Tests;

/// <summary>etcd's --auto-compaction-mode and --auto-compaction-retention.</summary>
public sealed class AutoCompactionTests
{
    private readonly ManualTime _time = new();
    private readonly Store _store = new();

    [Theory]
    [InlineData("10m", 10, 1)]
    [InlineData("1", 60, 6)]
    public async Task What_is_older_than_the_period_goes_after_each_period(string retention, int periodMinutes, int lookMinutes)
    {
        var compaction = Compaction("periodic", retention, out var interval);
        Assert.Equal(TimeSpan.FromMinutes(lookMinutes), interval);

        await RunAsync(compaction, interval, TimeSpan.FromMinutes(periodMinutes) - interval);
        Assert.Empty(_store.Asked);

        // One revision a look: ten looks ago is a period ago.
        await RunAsync(compaction, interval, 2 * interval);
        Assert.Equal([1], _store.Asked);
        await RunAsync(compaction, interval, TimeSpan.FromMinutes(2 * periodMinutes));
        Assert.Equal([1, 11, 21], _store.Asked);
    }

    [Fact]
    public async Task A_long_period_is_waited_for_once_and_then_history_goes_every_hour()
    {
        var compaction = Compaction("periodic", "24h", out var interval);
        Assert.Equal(TimeSpan.FromMinutes(6), interval);

        await RunAsync(compaction, interval, TimeSpan.FromHours(24) - interval);
        Assert.Empty(_store.Asked);
        await RunAsync(compaction, interval, TimeSpan.FromHours(3));
        Assert.Equal([1, 11, 21], _store.Asked);
    }

    [Fact]
    public async Task Only_the_leader_compacts_and_a_new_one_knows_what_is_old()
    {
        _store.IsLeader = false;
        var compaction = Compaction("periodic", "10m", out var interval);
        await RunAsync(compaction, interval, TimeSpan.FromMinutes(35));
        Assert.Empty(_store.Asked);

        _store.IsLeader = true;
        await RunAsync(compaction, interval, interval);
        Assert.Equal([26], _store.Asked);
    }

    [Fact]
    public async Task What_failed_is_tried_again_at_the_next_look()
    {
        var compaction = Compaction("periodic", "10m", out var interval);
        _store.Problem = "no leader";
        await RunAsync(compaction, interval, TimeSpan.FromMinutes(12));
        Assert.Equal([1, 2], _store.Asked);
        _store.Problem = null;
        await RunAsync(compaction, interval, TimeSpan.FromMinutes(5));
        Assert.Equal([1, 2, 3], _store.Asked);
    }

    [Fact]
    public async Task A_number_of_revisions_is_kept_and_looked_at_every_five_minutes()
    {
        var compaction = Compaction("revision", "100", out var interval);
        Assert.Equal(TimeSpan.FromMinutes(5), interval);
        _store.Current = 100;
        await compaction.LookAsync();
        Assert.Empty(_store.Asked);

        _store.Current = 150;
        await compaction.LookAsync();
        await compaction.LookAsync();
        Assert.Equal([50], _store.Asked);
        _store.Current = 1000;
        _store.IsLeader = false;
        await compaction.LookAsync();
        _store.IsLeader = true;
        await compaction.LookAsync();
        Assert.Equal([50, 900], _store.Asked);
    }

    [Fact]
    public async Task What_a_client_has_compacted_further_is_left_alone()
    {
        var compaction = Compaction("revision", "100", out _);
        (_store.Current, _store.Compacted) = (150, 60);
        await compaction.LookAsync();
        Assert.Empty(_store.Asked);
    }

    [Theory]
    [InlineData("periodic", "0")]
    [InlineData("periodic", "0s")]
    [InlineData("revision", "0")]
    public void Nothing_is_compacted_unless_it_is_wished(string mode, string retention) =>
        Assert.Null(AutoCompactionPolicy.Of(Settings(mode, retention)));

    [Theory]
    [InlineData("--auto-compaction-mode=sometimes", "none of periodic, revision")]
    [InlineData("--auto-compaction-retention=soon", "'soon' is neither a number of hours nor a duration")]
    [InlineData("--auto-compaction-retention=-1", "'-1' is neither a number of hours nor a duration")]
    [InlineData("--auto-compaction-retention=5ms", "a duration of a second or more")]
    public async Task Settings_that_make_no_sense_are_refused(string flag, string says)
    {
        var (exitCode, output) = await ServerProcess.RunToEndAsync(flag);
        Assert.Equal(64, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_duration_is_no_number_of_revisions() =>
        Assert.Contains("is no number of revisions", Assert.Throws<SettingException>(() => Settings("revision", "5m")).Message, StringComparison.Ordinal);

    /// <summary>Through the log, so that all members do it; also while users need permission.</summary>
    [Fact]
    public async Task Members_forget_what_is_too_old_by_themselves()
    {
        await using var cluster = await LocalCluster.StartAsync(3, "--auto-compaction-retention=2s", "--bcrypt-cost=4");
        var channel = cluster.Channel(cluster.Members[0]);
        var (kv, auth) = (new KV.KVClient(channel), new Auth.AuthClient(channel));
        await auth.UserAddAsync(new() { Name = "root", Password = "root" });
        await auth.UserGrantRoleAsync(new() { User = "root", Role = "root" });
        await auth.AuthEnableAsync(new());
        var root = new Metadata { { "token", (await auth.AuthenticateAsync(new() { Name = "root", Password = "root" })).Token } };
        var key = ByteString.CopyFromUtf8("a");
        var old = await kv.PutAsync(new() { Key = key }, root);
        var newest = await kv.PutAsync(new() { Key = key }, root);

        foreach (var member in cluster.Members)
        {
            var client = new KV.KVClient(cluster.Channel(member));
            await LocalCluster.UntilAsync("the first put is forgotten", member, async () =>
            {
                try
                {
                    await client.RangeAsync(new() { Key = key, Revision = old.Header.Revision, Serializable = true }, root);
                    return false;
                }
                catch (RpcException refusal) when (refusal.StatusCode == StatusCode.OutOfRange)
                {
                    return true;
                }
            });
            Assert.Equal(1, (await client.RangeAsync(new() { Key = key, Revision = newest.Header.Revision }, root)).Count);
        }
    }

    private AutoCompaction Compaction(string mode, string retention, out TimeSpan interval)
    {
        var policy = AutoCompactionPolicy.Of(Settings(mode, retention))!;
        interval = policy.Interval;
        return new(policy, _store, _time, NullLogger.Instance);
    }

    private static AutoCompactionSettings Settings(string mode, string retention) =>
        (AutoCompactionSettings.Off with { Mode = Enum.Parse<AutoCompactionMode>(mode, ignoreCase: true) }).Keep(retention);

    /// <summary>Looks, writes a revision, lets the time pass between two looks; again and again.</summary>
    private async Task RunAsync(AutoCompaction compaction, TimeSpan interval, TimeSpan duration)
    {
        for (var passed = TimeSpan.Zero; passed < duration; passed += interval)
        {
            await compaction.LookAsync();
            _store.Current++;
            _time.Advance(interval);
        }
    }

    private sealed class Store : ICompacted
    {
        public List<long> Asked { get; } = [];

        public bool IsLeader { get; set; } = true;

        public long Current { get; set; } = 1;

        public long Compacted { get; set; } = -1;

        public string? Problem { get; set; }

        public (long Current, long Compacted) Revisions => (Current, Compacted);

        public Task<string?> CompactAsync(long revision)
        {
            Asked.Add(revision);
            if (Problem is null) Compacted = revision;
            return Task.FromResult(Problem);
        }
    }
}
