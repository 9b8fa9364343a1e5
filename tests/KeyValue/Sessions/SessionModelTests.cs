using CsCheck;
using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Sessions;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Tests.Sessions;

/// <summary>
/// Clients whose messages the network delivers late, again and in any order, against a model that holds sessions in plain
/// dictionaries and counts the effects of every request.
/// </summary>
public sealed class SessionModelTests
{
    private static readonly SessionLimits Limits = new() { SessionsMax = 4, AnswersMax = 3, ExpiriesPerCommand = 1 };

    private static readonly Gen<Act[]> Acts =
        Gen.Select(Gen.Int[0, 19], Gen.Int[0, 1000], Gen.Int[0, 4], RandomRequests.Write)
            .Select((kind, pick, number, write) => new Act(kind, pick, number, write)).Array[1, 80];

    [Fact]
    public void However_often_and_late_requests_are_delivered_each_takes_effect_at_most_once() =>
        Acts.Sample(acts =>
        {
            var (store, model, client) = (new TestStore(Limits), new SessionModel(), new Clients());
            foreach (var act in acts)
            {
                var command = client.Next(act, model.Revision);
                var (theirs, ours) = (model.Apply(command), store.Apply(command.Clone()));
                Assert.True(theirs == ours, $"{command}\n model: {theirs}\n store: {ours}");
                Assert.Equal(model.Revision, store.Revision);
                if (ours.Response is OpenSessionResponse opened) client.Sessions.Add(opened.Session);
                if (act.Pick % 10 == 0) store.Store.Reload();
            }
            Assert.Equal(model.KeptAnswers, store.Disk.Content.Count(static entry => entry.Key[0] == KeyLayout.Answers));
        }, iter: 2000);

    [Fact]
    public void Equal_histories_leave_equal_sessions_whatever_the_batches() =>
        Gen.Select(Acts, Gen.Int[2, 9]).Sample((acts, batchSize) =>
        {
            var (left, right, client) = (new TestStore(Limits), new TestStore(Limits), new Clients());
            foreach (var batch in acts.Chunk(batchSize))
            {
                var transaction = right.Store.Begin();
                foreach (var act in batch)
                {
                    var command = client.Next(act, left.Revision);
                    var result = left.Apply(command);
                    Assert.Equal(result, transaction.Apply(command.Clone()));
                    if (result.Response is OpenSessionResponse opened) client.Sessions.Add(opened.Session);
                }
                transaction.Commit();
            }
            Assert.Equal(left.Disk.Content, right.Disk.Content);
        }, iter: 500);

    private sealed record Act(int Kind, int Pick, int Number, RelativeRequest Write);

    /// <summary>Makes commands of acts, and remembers all that was ever sent.</summary>
    private sealed class Clients
    {
        private readonly List<Command> _sent = [];
        private long _nowUnixMs = 1_700_000_000_000;

        public List<ulong> Sessions { get; } = [];

        public Command Next(Act act, long revision)
        {
            _nowUnixMs += act.Number * 300;
            var session = Sessions.Count > 0 ? Sessions[act.Pick % Sessions.Count] : 5;
            var command = act.Kind switch
            {
                0 or 1 => TestStore.Command(new OpenSessionRequest { TtlMs = 1000 * (1 + act.Number) }),
                2 when act.Pick % 3 == 0 => TestStore.Command(new CloseSessionRequest { Session = session }),
                3 => TestStore.Command(new KeepAliveSessionRequest { Session = session, Acknowledged = (ulong)act.Number }),
                4 => TestStore.Command(act.Write.At(revision)),
                < 12 when _sent.Count > 0 => _sent[act.Pick % _sent.Count].Clone(),
                _ => Stamped(act, session, revision),
            };

            // Members' clocks differ: some commands come from one that is behind.
            command.TimeUnixMs = _nowUnixMs - (act.Pick % 4 * 200);
            return command;
        }

        private Command Stamped(Act act, ulong session, long revision)
        {
            var sequence = (ulong)_sent.Count(command => command.Session.Session == session) + 1;
            var command = TestStore.Command(act.Write.At(revision));
            command.Session = new SessionStamp
            {
                Session = session,
                Sequence = sequence,
                Acknowledged = act.Number == 0 ? 0 : sequence - Math.Min(sequence, (ulong)act.Number),
            };
            _sent.Add(command);
            return command.Clone();
        }
    }

    private sealed class SessionModel
    {
        private readonly ModelStore _store = new();
        private readonly Dictionary<ulong, Session> _sessions = [];
        private readonly HashSet<(ulong, ulong)> _effects = [];
        private long _clock;
        private ulong _lastId;

        public long Revision => _store.Revision;

        /// <summary>Expired sessions that wait to be removed included.</summary>
        public int KeptAnswers => _sessions.Values.Sum(static session => session.Kept.Count);

        public CommandResult Apply(Command command)
        {
            _clock = Math.Max(_clock, command.TimeUnixMs);
            RemoveTheFirstExpired();
            return command.OperationCase switch
            {
                Command.OperationOneofCase.OpenSession => Open(command.OpenSession),
                Command.OperationOneofCase.CloseSession => Close(command.CloseSession),
                Command.OperationOneofCase.KeepAliveSession =>
                    Use(command.KeepAliveSession.Session, command.KeepAliveSession.Acknowledged) is { } session
                        ? new(new KeepAliveSessionResponse { TtlMs = session.Ttl }, null)
                        : new(null, StoreError.SessionNotFound),
                _ => command.Session is { } stamp ? Once(stamp, command) : _store.Apply(RequestOf(command)),
            };
        }

        private CommandResult Open(OpenSessionRequest request)
        {
            if (_sessions.Count >= Limits.SessionsMax) return new(null, StoreError.TooManySessions);
            _lastId = Math.Max(_lastId + 1, (ulong)_clock << 14);
            var session = new Session { Ttl = request.TtlMs, LastUse = _clock };
            session.Filed = session.Expiry;
            _sessions[_lastId] = session;
            return new(new OpenSessionResponse { Session = _lastId, TtlMs = request.TtlMs }, null);
        }

        private CommandResult Close(CloseSessionRequest request)
        {
            _sessions.Remove(request.Session);
            return new(new CloseSessionResponse(), null);
        }

        private CommandResult Once(SessionStamp stamp, Command command)
        {
            if (Use(stamp.Session, stamp.Acknowledged) is not { } session) return new(null, StoreError.SessionNotFound);
            if (stamp.Sequence <= session.Acknowledged) return new(null, StoreError.SequenceAcknowledged);
            if (session.Kept.TryGetValue(stamp.Sequence, out var first)) return first;
            if (session.Kept.Count >= Limits.AnswersMax) return new(null, StoreError.TooManyAnswers);
            Assert.True(_effects.Add((stamp.Session, stamp.Sequence)), $"{stamp} takes effect for the second time");
            return session.Kept[stamp.Sequence] = _store.Apply(RequestOf(command));
        }

        private Session? Use(ulong id, ulong acknowledged)
        {
            if (!_sessions.TryGetValue(id, out var session) || _clock >= session.Expiry) return null;
            session.LastUse = _clock;
            session.Acknowledged = Math.Max(session.Acknowledged, acknowledged);
            foreach (var sequence in session.Kept.Keys.Where(sequence => sequence <= acknowledged).ToList()) session.Kept.Remove(sequence);
            return session;
        }

        /// <summary>One a command, by the time at which each was last filed: only this decides when there is room for another.</summary>
        private void RemoveTheFirstExpired()
        {
            if (_sessions.Count == 0) return;
            var (id, session) = _sessions.OrderBy(static pair => (pair.Value.Filed, pair.Key)).First();
            if (session.Filed > _clock) return;
            session.Filed = session.Expiry;
            if (session.Expiry <= _clock) _sessions.Remove(id);
        }

        private static IMessage RequestOf(Command command) => command.OperationCase switch
        {
            Command.OperationOneofCase.Put => command.Put,
            Command.OperationOneofCase.DeleteRange => command.DeleteRange,
            Command.OperationOneofCase.Txn => command.Txn,
            _ => command.Compact,
        };

        private sealed class Session
        {
            public long Ttl { get; init; }

            public long LastUse { get; set; }

            public long Filed { get; set; }

            public ulong Acknowledged { get; set; }

            public Dictionary<ulong, CommandResult> Kept { get; } = [];

            public long Expiry => LastUse + Ttl;
        }
    }
}
