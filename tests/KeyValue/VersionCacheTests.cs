using System.Buffers.Binary;
using CsCheck;
using Raft.KeyValue.Ports;
using Raft.KeyValue.Reading;

namespace Raft.KeyValue.Tests;

/// <summary>The newest pairs in memory never show a view anything but what it would find in its own frozen state.</summary>
public sealed class VersionCacheTests
{
    private const long Small = 64 * 1024;

    private readonly VersionCache _cache = new(Small, revision: 1);

    [Fact]
    public void What_is_committed_is_found_by_views_that_show_it()
    {
        Commit(2, "a", "1");

        Assert.Equal((true, "1"), Get("a", at: 2));
        Assert.False(Get("b", at: 2).IsKnown);
    }

    [Fact]
    public void An_older_view_does_not_see_a_newer_pair()
    {
        Commit(2, "a", "1");
        Commit(3, "a", "2");

        Assert.False(Get("a", at: 2).IsKnown);
        Assert.Equal((true, "2"), Get("a", at: 3));
    }

    [Fact]
    public void What_is_taken_away_is_no_longer_known()
    {
        Commit(2, "a", "1");
        Commit(2, "a", null);

        Assert.False(Get("a", at: 2).IsKnown);
        Assert.False(Get("a", at: 3).IsKnown);
    }

    /// <summary>A reader that is slow must not bring back what was overwritten while it read, even if that is forgotten here.</summary>
    [Fact]
    public void What_a_reader_found_before_a_commit_is_not_taken_after_it()
    {
        Commit(2, "a", "1");
        Commit(3, "a", null);
        for (var other = 0; other < 1_000; other++) Commit(4 + other, $"other{other}", new string('x', 200));
        Assert.False(Get("a", at: 1_003).IsKnown);

        _cache.Found(Key("a"), revision: 2, "1"u8);

        Assert.False(Get("a", at: 1_003).IsKnown);
    }

    [Fact]
    public void What_a_reader_found_is_known_from_its_view_on()
    {
        Commit(5, "other", "x");

        _cache.Found(Key("a"), revision: 5, "1"u8);

        Assert.Equal((true, "1"), Get("a", at: 5));
        Assert.False(Get("a", at: 4).IsKnown);
    }

    /// <summary>While a snapshot is being installed, views may already show its content, which never came through here.</summary>
    [Fact]
    public void A_view_ahead_of_all_commits_finds_and_leaves_nothing()
    {
        Commit(2, "a", "1");

        Assert.False(Get("a", at: 9).IsKnown);
        _cache.Found(Key("b"), revision: 9, "2"u8);
        _cache.Reset(9);

        Assert.False(Get("a", at: 9).IsKnown);
        Assert.False(Get("b", at: 9).IsKnown);
        _cache.Found(Key("a"), revision: 2, "1"u8);
        Assert.False(Get("a", at: 9).IsKnown);
    }

    [Fact]
    public void Other_keyspaces_and_pairs_too_large_are_not_kept()
    {
        Commit(2, "a", "1");
        Commit(3, "a", new string('x', (int)Small));
        Assert.False(Get("a", at: 3).IsKnown);

        Assert.False(VersionCache.Holds("mstate"u8));
        Assert.False(VersionCache.Holds(default));
    }

    /// <summary>Nothing of it depends on the process: whoever replays the same commits loses the same versions.</summary>
    [Fact]
    public void Which_keys_are_forgotten_is_known_beforehand()
    {
        var cache = new VersionCache(4 * Small, revision: 1);
        var batch = new OrderedBatch();
        for (var key = 0; key < 5_000; key++) batch.Put(Key($"key{key}"), Bytes(new string('x', 100)));
        cache.Committing(batch, revision: 2);

        var first = Enumerable.Range(0, 5_000).First(key => cache.Get(Key($"key{key}"), revision: 2) is not null);
        var known = Enumerable.Range(0, 5_000).Count(key => cache.Get(Key($"key{key}"), revision: 2) is not null);
        Assert.Equal((3058, 1924), (first, known));
    }

    /// <summary>Any mix of commits and reads, against all versions there ever were: sizes change, keys collide, the ring wraps.</summary>
    [Fact]
    public void Random_histories_are_shown_as_they_were()
    {
        Gen.Int[0, int.MaxValue].Sample(
            seed =>
            {
                var random = new Random(seed);
                var cache = new VersionCache(Small, revision: 1);
                var history = new List<Dictionary<string, string>> { new(), new() };
                var known = 0;
                for (var step = 0; step < 2_000; step++)
                {
                    var revision = history.Count - 1;
                    if (random.Next(3) == 0)
                    {
                        var next = new Dictionary<string, string>(history[revision]);
                        var batch = new OrderedBatch();
                        for (var writes = random.Next(1, 4); writes > 0; writes--)
                        {
                            var name = $"key{random.Next(40)}";
                            if (random.Next(4) == 0)
                            {
                                next.Remove(name);
                                batch.Delete(Key(name));
                            }
                            else
                            {
                                next[name] = $"{step}{new string('x', random.Next(4) * random.Next(700))}";
                                batch.Put(Key(name), Bytes(next[name]));
                            }
                        }

                        cache.Committing(batch, revision + 1);
                        history.Add(next);
                    }
                    else
                    {
                        var name = $"key{random.Next(40)}";
                        var view = Math.Max(1, revision - random.Next(4) * random.Next(4));
                        var expected = history[view].GetValueOrDefault(name);
                        if (cache.Get(Key(name), view) is { } version)
                        {
                            known++;
                            Assert.Equal(expected, System.Text.Encoding.ASCII.GetString(version));
                        }
                        else if (expected is not null)
                        {
                            cache.Found(Key(name), view, Bytes(expected));
                        }
                    }
                }

                Assert.True(known > 100, $"only {known} reads found something: the test tests nothing");
            },
            iter: 50);
    }

    private void Commit(long revision, string key, string? value)
    {
        var batch = new OrderedBatch();
        if (value is null) batch.Delete(Key(key));
        else batch.Put(Key(key), Bytes(value));
        batch.Put("mstate"u8.ToArray(), BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(revision)));
        _cache.Committing(batch, revision);
    }

    private (bool IsKnown, string? Pair) Get(string key, long at) => _cache.Get(Key(key), at) is { } version
        ? (true, System.Text.Encoding.ASCII.GetString(version))
        : (false, null);

    private static byte[] Key(string key) => Bytes("k" + key);

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
