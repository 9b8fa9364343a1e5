using Raft.InMemory;
using Raft.KeyValue.Ports;
using Raft.KeyValue.Sessions;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests.Sessions;

/// <summary>How sessions begin and end, and what they may take.</summary>
public sealed class SessionLifeTests
{
    private const long TtlMs = 10_000;

    private SessionWorld _world = new();

    [Fact]
    public void A_session_that_was_never_opened_is_refused_without_effect()
    {
        Assert.Equal(StoreError.SessionNotFound, _world.Send(77, 1, Put("1")).Error);
        Assert.Equal(StoreError.SessionNotFound, _world.Send(new KeepAliveSessionRequest { Session = 77 }).Error);
        Assert.Equal(1, _world.Store.Revision);
    }

    [Theory]
    [InlineData(0, 300_000)]
    [InlineData(1, 1000)]
    [InlineData(7777, 7777)]
    [InlineData(long.MaxValue, 86_400_000)]
    public void The_time_to_live_is_granted_within_limits(long wished, long granted)
    {
        _world.Open(wished, out var ttl);
        Assert.Equal(granted, ttl);
    }

    [Fact]
    public void A_negative_time_to_live_is_refused() =>
        Assert.Equal(StoreError.InvalidTtl, _world.Send(new OpenSessionRequest { TtlMs = -1 }).Error);

    [Fact]
    public void A_session_expires_when_it_was_not_used_for_its_time_and_a_retry_then_has_no_effect()
    {
        var session = _world.Open(TtlMs);
        _world.Send(session, 1, Put("1"));
        _world.NowUnixMs += TtlMs - 1;
        _world.Send(session, 1, Put("1"));
        _world.NowUnixMs += TtlMs - 1;
        Assert.Null(_world.Send(new KeepAliveSessionRequest { Session = session }).Error);
        _world.NowUnixMs += TtlMs;
        Assert.Equal(StoreError.SessionNotFound, _world.Send(session, 1, Put("1")).Error);
        Assert.Equal(2, _world.Store.Revision);
        Assert.Equal(0, _world.Entries);
    }

    [Fact]
    public void Time_is_the_latest_that_any_command_carried_and_does_not_go_back()
    {
        var session = _world.Open(TtlMs);
        _world.NowUnixMs += TtlMs;
        _world.Send(Put("by another client"));
        _world.NowUnixMs -= TtlMs;
        Assert.Equal(StoreError.SessionNotFound, _world.Send(session, 1, Put("1")).Error);
        Assert.Equal(StoreError.SessionNotFound, _world.Send(new KeepAliveSessionRequest { Session = session }).Error);
    }

    [Fact]
    public void Many_sessions_expire_together_though_they_are_removed_bit_by_bit()
    {
        var sessions = Enumerable.Range(0, 30).Select(_ => _world.Open(TtlMs)).ToList();
        foreach (var session in sessions) _world.Send(session, 1, Put("1"));
        var revision = _world.Store.Revision;
        _world.NowUnixMs += TtlMs;
        foreach (var session in sessions.AsEnumerable().Reverse())
            Assert.Equal(StoreError.SessionNotFound, _world.Send(session, 1, Put("1")).Error);
        Assert.Equal(revision, _world.Store.Revision);
        Assert.Equal(0, _world.Entries);
        Assert.Equal(0, _world.Store.Store.State.Sessions.Count);
        Assert.Equal(0, _world.Store.Store.State.Sessions.AnswerBytes);
    }

    [Fact]
    public void A_closed_session_is_gone_with_all_that_it_kept_and_may_be_closed_again()
    {
        var session = _world.Open();
        _world.Send(session, 1, Put("1"));
        _world.Close(session);
        _world.Close(session);
        Assert.Equal(StoreError.SessionNotFound, _world.Send(session, 1, Put("1")).Error);
        Assert.Equal(0, _world.Entries);
    }

    [Fact]
    public void An_acknowledged_answer_is_forgotten_and_its_request_refused_without_effect()
    {
        var session = _world.Open();
        _world.Send(session, 1, Put("1"));
        _world.Send(session, 2, Put("2"));
        _world.Send(session, 4, Put("4"), acknowledged: 2);
        foreach (var sequence in (ulong[])[1, 2])
            Assert.Equal(StoreError.SequenceAcknowledged, _world.Send(session, sequence, Put("again")).Error);
        _world.Send(session, 3, Put("3"));
        _world.Send(new KeepAliveSessionRequest { Session = session, Acknowledged = 4 });
        Assert.Equal(StoreError.SequenceAcknowledged, _world.Send(session, 4, Put("again")).Error);
        Assert.Equal("3", _world.Store.Get("a"));
        Assert.Equal(2, _world.Entries);
    }

    [Fact]
    public void An_id_is_never_given_twice()
    {
        var ids = new HashSet<ulong>();
        for (var i = 0; i < 100; i++)
        {
            var session = _world.Open();
            Assert.True(ids.Add(session));
            if (i % 3 == 0) _world.Close(session);
            if (i % 10 == 0) _world.NowUnixMs += i % 20 == 0 ? TtlMs : -TtlMs;
        }
    }

    [Fact]
    public void A_store_restored_from_a_backup_gives_no_id_that_was_given_after_the_backup()
    {
        var backup = _world.Store.Disk.Clone();
        var given = Enumerable.Range(0, 10).Select(_ => _world.Open()).ToHashSet();
        _world.NowUnixMs++;
        _world.Store.Disk.ReplaceWith(backup);
        _world.Store.Store.Reload();
        Assert.DoesNotContain(_world.Open(), given);
    }

    [Fact]
    public void No_more_sessions_are_opened_than_may_be_and_none_is_thrown_out()
    {
        _world = new(new SessionLimits { SessionsMax = 2 });
        var (first, second) = (_world.Open(), _world.Open());
        Assert.Equal(StoreError.TooManySessions, _world.Send(new OpenSessionRequest()).Error);
        Assert.Null(_world.Send(first, 1, Put("1")).Error);
        _world.Close(second);
        _world.Open();
    }

    /// <summary>
    /// The story: for a moment one member's clock was a year ahead. Sessions did not expire any more, those of clients that had died
    /// piled up, and once all places were taken nobody could open another until a year had passed.
    /// </summary>
    [Fact]
    public void After_a_clock_was_far_ahead_sessions_that_nobody_uses_expire_once_all_places_are_taken()
    {
        _world = new(new SessionLimits { SessionsMax = 30 });
        var before = _world.Open(TtlMs);
        Ahead(TimeSpan.FromDays(365));
        var used = _world.Open(TtlMs);
        while (_world.Store.Store.State.Sessions.Count < 30) _world.Open(TtlMs);
        Assert.Equal(StoreError.TooManySessions, _world.Send(new OpenSessionRequest()).Error);

        _world.NowUnixMs += TtlMs - 1;
        Assert.Null(_world.Send(used, 1, Put("1")).Error);
        _world.NowUnixMs += 1;
        for (var i = 0; i < 4; i++) _world.Send(Put("by another client"));
        Assert.Equal(1, _world.Store.Store.State.Sessions.Count);
        Assert.NotEqual(0ul, _world.Open(TtlMs));
        Assert.Null(_world.Send(used, 2, Put("2")).Error);
        Assert.Equal(StoreError.SessionNotFound, _world.Send(before, 1, Put("late")).Error);
    }

    [Fact]
    public void A_session_that_was_said_to_have_expired_is_not_there_again_when_session_time_is_set_back()
    {
        // Nothing is removed in time.
        _world = new(new SessionLimits { SessionsMax = 1, ExpiriesPerCommand = 0 });
        var session = _world.Open(TtlMs);
        Ahead(TimeSpan.FromDays(365));
        Assert.Equal(StoreError.SessionNotFound, _world.Send(session, 1, Put("1")).Error);

        _world.Open(TtlMs);
        Assert.Equal(StoreError.SessionNotFound, _world.Send(session, 1, Put("1")).Error);
        Assert.Equal(_world.NowUnixMs, _world.Store.Store.State.Sessions.ClockUnixMs);
    }

    [Theory]
    [InlineData(9, 3)]
    [InlineData(60, 2)]
    public void Session_time_is_not_set_back_for_clocks_that_differ_a_little_nor_while_there_are_places(int minutesAhead, int open)
    {
        _world = new(new SessionLimits { SessionsMax = 3 });
        Ahead(TimeSpan.FromMinutes(minutesAhead));
        while (_world.Store.Store.State.Sessions.Count < open) _world.Open(TtlMs);
        var clock = _world.Store.Store.State.Sessions.ClockUnixMs;
        _world.Send(new OpenSessionRequest());
        Assert.Equal(clock, _world.Store.Store.State.Sessions.ClockUnixMs);
    }

    [Theory]
    [InlineData("answers", 3, long.MaxValue, long.MaxValue)]
    [InlineData("bytes of the session", int.MaxValue, 20, long.MaxValue)]
    [InlineData("bytes of all", int.MaxValue, long.MaxValue, 20)]
    public void A_full_session_takes_no_request_until_answers_are_acknowledged_but_still_answers_retries(
        string what, int answers, long sessionBytes, long totalBytes)
    {
        _world = new(new SessionLimits { AnswersMax = answers, SessionBytesMax = sessionBytes, TotalBytesMax = totalBytes });
        var session = _world.Open();
        var given = new List<CommandResult>();
        CommandResult last;
        while ((last = _world.Send(session, (ulong)given.Count + 1, Put($"{given.Count}"))).Error is null) given.Add(last);

        Assert.Equal(StoreError.TooManyAnswers, last.Error);
        Assert.True(given.Count == 3, $"{what}: {given.Count}");
        Assert.Equal(1 + given.Count, _world.Store.Revision);
        for (var at = 0; at < given.Count; at++) Assert.Equal(given[at], _world.Send(session, (ulong)at + 1, Put($"{at}")));
        Assert.Null(_world.Send(session, 4, Put("3"), acknowledged: 1).Error);
        Assert.Equal("3", _world.Store.Get("a"));
    }

    [Fact]
    public void An_answer_too_large_to_keep_is_given_once_and_its_request_still_takes_effect_once()
    {
        _world = new(new SessionLimits { AnswerBytesMax = 100 });
        var session = _world.Open();
        _world.Store.Put("a", new string('x', 200));
        var request = new PutRequest { Key = Bytes("a"), Value = Bytes("1"), PrevKv = true };
        Assert.Null(_world.Send(session, 1, request).Error);
        Assert.Equal(StoreError.AnswerTooLarge(3), _world.Send(session, 1, request).Error);
        Assert.Equal(3, _world.Store.Revision);
    }

    [Fact]
    public void A_request_without_a_session_reads_nothing_more_because_there_are_sessions()
    {
        Assert.Equal(ReadsOfOnePut(sessions: 0), ReadsOfOnePut(sessions: 5));

        static int ReadsOfOnePut(int sessions)
        {
            var disk = new CountingStore();
            var store = new KeyValueStore(disk);
            var transaction = store.Begin();
            for (var i = 0; i < sessions; i++) transaction.Apply(new Command { TimeUnixMs = 1000, OpenSession = new() });
            transaction.Commit();
            var before = disk.Reads;
            transaction = store.Begin();
            transaction.Apply(new Command { TimeUnixMs = 2000, Put = Put("1") });
            transaction.Commit();
            Assert.True(disk.Reads > before, "the store is read through the counter");
            return disk.Reads - before;
        }
    }

    /// <summary>One command comes from a member whose clock is ahead.</summary>
    private void Ahead(TimeSpan by)
    {
        var now = _world.NowUnixMs;
        _world.NowUnixMs += (long)by.TotalMilliseconds;
        _world.Send(Put("by another client"));
        _world.NowUnixMs = now;
    }

    private static PutRequest Put(string value) => new() { Key = Bytes("a"), Value = Bytes(value) };

    private sealed class CountingStore : IOrderedStore
    {
        private readonly InMemoryOrderedStore _below = new();

        public int Reads { get; private set; }

        public byte[]? Get(ReadOnlySpan<byte> key)
        {
            Reads++;
            return _below.Get(key);
        }

        public IOrderedCursor OpenCursor()
        {
            Reads++;
            return _below.OpenCursor();
        }

        public IOrderedReader OpenView() => _below.OpenView();

        public void Write(OrderedBatch batch) => _below.Write(batch);

        public void Dispose() => _below.Dispose();
    }
}
