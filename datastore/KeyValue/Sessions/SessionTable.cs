using Google.Protobuf;
using Raft.KeyValue.Auth;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Writing;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Sessions;

/// <summary>
/// The sessions of clients, and the answers that a retry may still ask for (Raft thesis, section 6.3; RIFL, Lee et al. 2015). They
/// lie in the same store and the same batch as the data, so an effect and its answer are never apart.
/// <para>
/// A session must be opened: were it begun by its first request, a retry of that request after the session had expired would
/// begin it again, and take effect twice. Time is what the commands say it is, so every member expires the same sessions at the
/// same place in the log. A clock that is set far ahead on one member ends sessions early, and holds later ones until the true
/// time has caught up, or all places for sessions are taken (<see cref="SetBack"/>); that costs patience, never a second effect.
/// </para>
/// </summary>
internal sealed class SessionTable(Overlay overlay, SessionState state, SessionLimits limits)
{
    /// <summary>Bits of an id below the time at which it was given.</summary>
    private const int CounterBits = 14;

    /// <summary>The year 9999: no sum of times and no id overflows.</summary>
    private const long LatestUnixMs = 253_402_300_799_999;

    /// <summary>What the command that is applied says the time is.</summary>
    private long _commandUnixMs;

    /// <summary>What the commands so far have left.</summary>
    public SessionState State { get; private set; } = state;

    /// <summary>A command of this time is applied: sessions end that were not used for too long. Reads nothing before one is due.</summary>
    public void AdvanceTo(long unixMs)
    {
        _commandUnixMs = unixMs;
        if (unixMs > State.ClockUnixMs) State = State with { ClockUnixMs = Math.Min(unixMs, LatestUnixMs) };
        if (State.ClockUnixMs >= State.NextExpiryUnixMs) Expire();
    }

    /// <summary>
    /// A new session. Its id begins with the time, so that a store restored from a backup does not give again what was given
    /// after the backup was made.
    /// </summary>
    public StoreResult<OpenSessionResponse> Open(OpenSessionRequest request, string user)
    {
        if (request.TtlMs < 0) return StoreError.InvalidTtl;
        if (State.Count >= limits.SessionsMax && _commandUnixMs > 0 && State.ClockUnixMs - _commandUnixMs >= limits.ClockLeadMaxMs) SetBack(_commandUnixMs);
        if (State.Count >= limits.SessionsMax) return StoreError.TooManySessions;
        var id = Math.Max(State.LastId + 1, (ulong)State.ClockUnixMs << CounterBits);
        State = State with { LastId = id, Count = State.Count + 1 };

        var ttl = request.TtlMs == 0 ? limits.DefaultTtlMs : Math.Clamp(request.TtlMs, limits.SmallestTtlMs, limits.LargestTtlMs);
        var session = new SessionRecord { TtlMs = ttl, LastUseUnixMs = State.ClockUnixMs, User = user };
        File(id, session);
        Write(id, session);
        return new OpenSessionResponse { Session = id, TtlMs = ttl };
    }

    /// <summary>Counts as a use of the session, and forgets what the client acknowledges.</summary>
    public StoreResult<KeepAliveSessionResponse> KeepAlive(KeepAliveSessionRequest request, string user)
    {
        if (Find(request.Session) is not { } session) return StoreError.SessionNotFound;
        if (!TryOwn(session, user)) return AuthError.PermissionDenied;
        Use(request.Session, session, request.Acknowledged);
        Write(request.Session, session);
        return new KeepAliveSessionResponse { TtlMs = session.TtlMs };
    }

    /// <summary>Forgets a session, if it is there.</summary>
    public StoreResult<CloseSessionResponse> Close(CloseSessionRequest request, string user)
    {
        if (Read(request.Session) is { } session)
        {
            if (!TryOwn(session, user)) return AuthError.PermissionDenied;
            overlay.Delete(KeyLayout.ExpiryKey(session.FiledUnixMs, request.Session));
            Remove(request.Session, session);
        }
        return new CloseSessionResponse();
    }

    /// <summary>
    /// Executes a stamped command, unless it was executed before: then it gives the first answer, a refusal of the store
    /// included. What is refused for the session's own sake is not kept: it had no effect, and may be sent again.
    /// </summary>
    public CommandResult Once(Command command, string user, Func<Command, CommandResult> execute)
    {
        var stamp = command.Session;
        if (stamp.Session == 0 || stamp.Sequence == 0 || stamp.Acknowledged >= stamp.Sequence) return Refused(StoreError.InvalidStamp);
        if (Find(stamp.Session) is not { } session) return Refused(StoreError.SessionNotFound);
        if (!TryOwn(session, user)) return Refused(AuthError.PermissionDenied);
        Use(stamp.Session, session, stamp.Acknowledged);
        var result = Answer(command, session, execute);
        Write(stamp.Session, session);
        return result;
    }

    private CommandResult Answer(Command command, SessionRecord session, Func<Command, CommandResult> execute)
    {
        var stamp = command.Session;
        if (stamp.Sequence <= session.Acknowledged) return Refused(StoreError.SequenceAcknowledged);
        foreach (var kept in session.Kept)
            if (kept.Sequence == stamp.Sequence) return FirstAnswer(command);
        if (IsFull(session)) return Refused(StoreError.TooManyAnswers);

        var result = execute(command);
        Keep(command, session, result);
        return result;
    }

    private CommandResult FirstAnswer(Command command)
    {
        if (!overlay.TryGet(KeyLayout.AnswerKey(command.Session.Session, command.Session.Sequence), out var encoded))
            throw new InvalidDataException($"The answer to request {command.Session.Sequence} of session {command.Session.Session} is missing.");
        return AnswerRecord.Decode(encoded.Span, command.OperationCase);
    }

    private void Keep(Command command, SessionRecord session, CommandResult result)
    {
        var encoded = AnswerRecord.Encode(result, command.OperationCase, limits.AnswerBytesMax);
        overlay.Put(KeyLayout.AnswerKey(command.Session.Session, command.Session.Sequence), encoded);
        session.Kept.Add(new KeptSize { Sequence = command.Session.Sequence, Bytes = (uint)encoded.Length });
        State = State with { AnswerBytes = State.AnswerBytes + encoded.Length };
    }

    private bool IsFull(SessionRecord session) =>
        session.Kept.Count >= limits.AnswersMax
        || session.Kept.Sum(static kept => kept.Bytes) >= limits.SessionBytesMax
        || State.AnswerBytes >= limits.TotalBytesMax;

    /// <summary>The session begins to wait anew, and what its client acknowledges is forgotten.</summary>
    private void Use(ulong id, SessionRecord session, ulong acknowledged)
    {
        session.LastUseUnixMs = State.ClockUnixMs;
        if (acknowledged <= session.Acknowledged) return;
        session.Acknowledged = acknowledged;
        for (var at = session.Kept.Count - 1; at >= 0; at--)
        {
            if (session.Kept[at].Sequence > acknowledged) continue;
            Forget(id, session.Kept[at]);
            session.Kept.RemoveAt(at);
        }
    }

    /// <summary>Looks at the sessions whose time may have come: those that were used meanwhile are filed anew.</summary>
    private void Expire()
    {
        var (due, next) = Filed(State.ClockUnixMs, limits.ExpiriesPerCommand);
        State = State with { NextExpiryUnixMs = next };
        foreach (var (unixMs, id) in due)
        {
            overlay.Delete(KeyLayout.ExpiryKey(unixMs, id));
            var session = ReadFiled(id);
            if (HasExpired(session))
            {
                Remove(id, session);
            }
            else
            {
                File(id, session);
                Write(id, session);
            }
        }
    }

    /// <summary>
    /// Some clock was far ahead, so that no session expires and all places are taken: time goes on from what it is by the clock of
    /// the member that was asked for one more. Nobody knows when sessions were used by that clock, so each has its full time again.
    /// What has expired stays so: a client that was told so may have done its request anew in another session.
    /// </summary>
    private void SetBack(long unixMs)
    {
        var (all, _) = Filed(upTo: long.MaxValue, atMost: int.MaxValue);
        var kept = new List<(ulong Id, SessionRecord Session)>();
        foreach (var (filedUnixMs, id) in all)
        {
            overlay.Delete(KeyLayout.ExpiryKey(filedUnixMs, id));
            var session = ReadFiled(id);
            if (HasExpired(session)) Remove(id, session);
            else kept.Add((id, session));
        }

        State = State with { ClockUnixMs = unixMs, NextExpiryUnixMs = long.MaxValue };
        foreach (var (id, session) in kept)
        {
            session.LastUseUnixMs = unixMs;
            File(id, session);
            Write(id, session);
        }
    }

    /// <summary>Sessions in the order in which they are filed, and where the first of the others is.</summary>
    private (List<(long UnixMs, ulong Id)> Filed, long Next) Filed(long upTo, int atMost)
    {
        var found = new List<(long, ulong)>();
        using var cursor = overlay.OpenCursor();

        // Nothing is filed earlier, but what was deleted there would have to be passed over.
        for (var stands = cursor.SeekAtOrAfter(KeyLayout.ExpiryKey(State.NextExpiryUnixMs, 0));
            stands && cursor.Key[0] == KeyLayout.Expiries;
            stands = cursor.MoveNext())
        {
            var filed = KeyLayout.ExpiryOf(cursor.Key);
            if (filed.UnixMs > upTo || found.Count == atMost) return (found, filed.UnixMs);
            found.Add(filed);
        }
        return (found, long.MaxValue);
    }

    private void File(ulong id, SessionRecord session)
    {
        session.FiledUnixMs = ExpiryOf(session);
        overlay.Put(KeyLayout.ExpiryKey(session.FiledUnixMs, id), ReadOnlyMemory<byte>.Empty);
        if (session.FiledUnixMs < State.NextExpiryUnixMs) State = State with { NextExpiryUnixMs = session.FiledUnixMs };
    }

    private void Remove(ulong id, SessionRecord session)
    {
        foreach (var kept in session.Kept) Forget(id, kept);
        overlay.Delete(KeyLayout.SessionKey(id));
        State = State with { Count = State.Count - 1 };
    }

    private void Forget(ulong id, KeptSize kept)
    {
        overlay.Delete(KeyLayout.AnswerKey(id, kept.Sequence));
        State = State with { AnswerBytes = State.AnswerBytes - kept.Bytes };
    }

    /// <summary>Makes the session the user's, unless it is another's.</summary>
    private static bool TryOwn(SessionRecord session, string user)
    {
        if (session.User.Length == 0) session.User = user;
        return user.Length == 0 || session.User == user;
    }

    /// <summary>A session that has not expired; removal may be some commands late.</summary>
    private SessionRecord? Find(ulong id) => Read(id) is { } session && !HasExpired(session) ? session : null;

    private SessionRecord? Read(ulong id) =>
        overlay.TryGet(KeyLayout.SessionKey(id), out var record) ? SessionRecord.Parser.ParseFrom(record.Span) : null;

    private SessionRecord ReadFiled(ulong id) => Read(id) ?? throw new InvalidDataException($"Session {id} is filed to expire but is not there.");

    private void Write(ulong id, SessionRecord session) => overlay.Put(KeyLayout.SessionKey(id), session.ToByteArray());

    private bool HasExpired(SessionRecord session) => State.ClockUnixMs >= ExpiryOf(session);

    private static long ExpiryOf(SessionRecord session) => session.LastUseUnixMs + session.TtlMs;

    private static CommandResult Refused(StoreError error) => new(null, error);
}
