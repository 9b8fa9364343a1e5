using Raft.KeyValue.Auth;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Leases;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Requests;
using Raft.KeyValue.Sessions;
using Raft.KeyValue.Writing;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue;

/// <summary>
/// Applies any number of commands, each seeing those before it, and makes all of them visible at once with
/// <see cref="Commit"/>. The node puts its own values in besides, so that the applied index is never apart from the data.
/// One transaction at a time; dropped without a commit, it has changed nothing.
/// </summary>
public sealed class StoreTransaction
{
    private readonly KeyValueStore _store;
    private readonly Overlay _overlay;
    private readonly ByteArena _arena = new();
    private readonly List<StoreEvent> _events = [];
    private readonly List<LeaseChange> _leaseChanges = [];
    private readonly SessionTable _sessions;
    private readonly AuthTable _auth;
    private StoreState _state;
    private bool _committed;

    internal StoreTransaction(KeyValueStore store, Overlay overlay, CommittedReader committed, SessionLimits sessionLimits)
    {
        _store = store;
        _overlay = overlay;
        _overlay.Begin(committed);
        _state = store.State;
        _sessions = new SessionTable(_overlay, _state.Sessions, sessionLimits);
        _auth = new AuthTable(_overlay, store.Auth);
    }

    /// <summary>The revision after the commands so far.</summary>
    public long Revision => _state.Revision;

    /// <summary>The compacted revision after the commands so far.</summary>
    public long CompactedRevision => _state.CompactedRevision;

    /// <summary>The changes so far, in order: what watchers will want to see once they are committed.</summary>
    public IReadOnlyList<StoreEvent> Events => _events;

    /// <summary>What the commands so far did to leases, in order: who keeps their time follows it once they are committed.</summary>
    public IReadOnlyList<LeaseChange> LeaseChanges => _leaseChanges;

    /// <summary>Is this one of the commands that <see cref="Apply"/> understands? The others are the node's own.</summary>
    public static bool Understands(Command command) => command.OperationCase is
        Command.OperationOneofCase.Put or Command.OperationOneofCase.DeleteRange or Command.OperationOneofCase.Txn
        or Command.OperationOneofCase.Compact or Command.OperationOneofCase.Alarm
        or Command.OperationOneofCase.OpenSession or Command.OperationOneofCase.CloseSession
        or Command.OperationOneofCase.KeepAliveSession
        or Command.OperationOneofCase.LeaseGrant or Command.OperationOneofCase.LeaseRevoke
        or Command.OperationOneofCase.Downgrade
        || AuthTable.Understands(command);

    /// <summary>
    /// Whether a command would look at more than so many keys, so that applying it takes long. Looking costs no more than reading so
    /// many, and nothing where a command names single keys.
    /// </summary>
    public bool TakesLong(Command command, int keysMax) => KeyVisits.Exceed(command, _overlay, keysMax);

    /// <summary>
    /// Applies one command. A refused one changes nothing that a client can read. One that is stamped with a session takes
    /// effect only the first time; after that it gives the first answer, to whoever may give the command.
    /// </summary>
    /// <exception cref="NotSupportedException">
    /// A command that the store does not know: passing over it would fork the state, so the member has to stop.
    /// </exception>
    public CommandResult Apply(Command command)
    {
        _sessions.AdvanceTo(command.TimeUnixMs);
        if (_auth.State.IsEnabled && new RequestAccess(_auth.State, command.Identity, _overlay).Check(command) is { } refusal)
            return new CommandResult(null, refusal);
        var user = command.Identity?.User ?? "";
        return command.OperationCase switch
        {
            Command.OperationOneofCase.OpenSession => _sessions.Open(command.OpenSession, user).ToCommandResult(),
            Command.OperationOneofCase.KeepAliveSession => _sessions.KeepAlive(command.KeepAliveSession, user).ToCommandResult(),
            Command.OperationOneofCase.CloseSession => _sessions.Close(command.CloseSession, user).ToCommandResult(),
            // Asked for anew it gives another token, which does as well.
            Command.OperationOneofCase.GrantToken => _auth.Apply(command),
            _ => command.Session is null ? Execute(command) : _sessions.Once(command, user, Execute),
        };
    }

    /// <summary>
    /// Removes from disk up to a number of compacted changes. It is not replicated: each member does it when it has time, and
    /// nothing that a client sees depends on how far it has come.
    /// </summary>
    /// <param name="maxChanges">Bounds the work; each change costs at most one read and three deletes.</param>
    /// <returns>Whether there is more to do.</returns>
    public bool CompactStep(int maxChanges)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxChanges);
        if (!_state.HasCompactionWork) return false;
        _state = _state with { NextCompaction = Compaction.Step(_overlay, _state, maxChanges) };
        return _state.HasCompactionWork;
    }

    /// <summary>
    /// The content of a backup becomes a new cluster's. Alarms go with the members that raised them: who still has reason raises it
    /// again. Leases, sessions, users and roles stay.
    /// </summary>
    /// <param name="revisionBump">
    /// By how much the revision grows. The old cluster may have handed out later revisions than the backup knows; they shall not come
    /// back with another meaning. If it grows, all before it counts as compacted, so that a watch that goes on from such a revision is
    /// told, where it would otherwise wait for changes that it believes to have seen.
    /// </param>
    public void StartOver(long revisionBump)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(revisionBump);
        foreach (var alarm in AlarmRecords.List(_overlay, AlarmType.None)) _overlay.Delete(AlarmRecords.Key(alarm.Alarm, alarm.MemberID));
        _state = _state with { Alarms = ActiveAlarms.None, Revision = checked(_state.Revision + revisionBump) };
        if (revisionBump > 0) _state = _state.CompactedTo(_state.Revision);
    }

    /// <summary>A value of the node's own keyspace as this transaction leaves it, or null.</summary>
    public byte[]? GetNodeValue(ReadOnlySpan<byte> name) =>
        _overlay.TryGet(KeyLayout.NodeKey(name), out var value) ? value.ToArray() : null;

    /// <summary>Sets a value in the node's own keyspace. The memory must not change until the commit.</summary>
    public void PutNodeValue(ReadOnlySpan<byte> name, ReadOnlyMemory<byte> value) => _overlay.Put(KeyLayout.NodeKey(name), value);

    /// <summary>Removes a value from the node's own keyspace.</summary>
    public void DeleteNodeValue(ReadOnlySpan<byte> name) => _overlay.Delete(KeyLayout.NodeKey(name));

    /// <summary>Writes everything as one batch. The transaction can't be used afterwards, but its events can.</summary>
    public void Commit()
    {
        if (_committed) throw new InvalidOperationException("The transaction has been committed before.");
        _committed = true;
        _state = _state with { Sessions = _sessions.State, Auth = _auth.State.Version };
        if (_state != _store.State) _overlay.Put(KeyLayout.State, _state.Encode());
        if (!_overlay.IsEmpty) _store.Commit(_overlay.TakeBatch(), _state, _auth.State);
        _auth.Commit(_store.Tokens);
    }

    private CommandResult Execute(Command command) => command.OperationCase switch
    {
        Command.OperationOneofCase.Put => Put(command.Put).ToCommandResult(),
        Command.OperationOneofCase.DeleteRange => DeleteRange(command.DeleteRange).ToCommandResult(),
        Command.OperationOneofCase.Txn => Txn(command.Txn).ToCommandResult(),
        Command.OperationOneofCase.Compact => Compact(command.Compact).ToCommandResult(),
        Command.OperationOneofCase.Alarm => Alarm(command.Alarm).ToCommandResult(),
        Command.OperationOneofCase.LeaseGrant => LeaseGrant(command.LeaseGrant).ToCommandResult(),
        Command.OperationOneofCase.LeaseRevoke => LeaseRevoke(command.LeaseRevoke).ToCommandResult(),
        Command.OperationOneofCase.Downgrade => Downgrade(command.Downgrade).ToCommandResult(),
        _ when AuthTable.Understands(command) => _auth.Apply(command),
        _ => throw new NotSupportedException($"The store does not know the command {command.OperationCase}; a newer member wrote it?"),
    };

    private StoreResult<PutResponse> Put(PutRequest request)
    {
        if (Refusal(RequestValidator.Validate(request), needsSpace: true) is { } refusal) return refusal;
        var writer = NextRevision();
        var result = new OperationExecutor(_overlay, _state, writer).Put(request);
        Finish(writer);
        return result;
    }

    private StoreResult<DeleteRangeResponse> DeleteRange(DeleteRangeRequest request)
    {
        if (Refusal(RequestValidator.Validate(request)) is { } refusal) return refusal;
        var writer = NextRevision();
        var response = new OperationExecutor(_overlay, _state, writer).DeleteRange(request);
        Finish(writer);
        return response;
    }

    private StoreResult<TxnResponse> Txn(TxnRequest request)
    {
        if (Refusal(RequestValidator.Validate(request), needsSpace: RequestShape.MayPut(request)) is { } refusal) return refusal;
        var writer = NextRevision();
        var result = new TransactionExecutor(_overlay, _state, writer).Run(request);
        Finish(writer);
        return result;
    }

    private StoreResult<CompactionResponse> Compact(CompactionRequest request)
    {
        if (Refusal(invalid: null) is { } refusal) return refusal;
        if (request.Revision <= _state.CompactedRevision) return StoreError.Compacted;
        if (request.Revision > _state.Revision) return StoreError.FutureRevision;
        _state = _state.CompactedTo(request.Revision);
        return new CompactionResponse { Header = Header() };
    }

    /// <summary>
    /// Raising what is raised changes nothing; clearing what is not raised answers with no alarm, as does what nobody knows of.
    /// </summary>
    private StoreResult<AlarmResponse> Alarm(AlarmRequest request)
    {
        var response = new AlarmResponse { Header = Header() };
        if (request.Action == AlarmRequest.Types.AlarmAction.Get)
        {
            response.Alarms.AddRange(AlarmRecords.List(_overlay, request.Alarm));
            return response;
        }
        var activate = request.Action == AlarmRequest.Types.AlarmAction.Activate;
        if (!Enum.IsDefined(request.Action) || !Enum.IsDefined(request.Alarm)) return response;
        var key = AlarmRecords.Key(request.Alarm, request.MemberID);
        var isActive = _overlay.TryGet(key, out _);
        if (request.Alarm == AlarmType.None || (!isActive && !activate)) return response;

        if (!activate) _overlay.Delete(key);
        else if (!isActive) _overlay.Put(key, ReadOnlyMemory<byte>.Empty);
        _state = _state with { Alarms = AlarmRecords.Summarise(_overlay) };
        response.Alarms.Add(new AlarmMember { MemberID = request.MemberID, Alarm = request.Alarm });
        return response;
    }

    private StoreResult<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request)
    {
        if (Refusal(invalid: null, needsSpace: true) is { } refusal) return refusal;
        if (LeaseTable.Grant(_overlay, request) is { } notGranted) return notGranted;
        _leaseChanges.Add(new(new(request.ID, request.TTL), IsGranted: true));
        return new LeaseGrantResponse { Header = Header(), ID = request.ID, TTL = request.TTL };
    }

    private StoreResult<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request)
    {
        if (Refusal(invalid: null) is { } refusal) return refusal;
        var writer = NextRevision();
        if (LeaseTable.Revoke(_overlay, writer, request.ID) is { } notRevoked) return notRevoked;
        Finish(writer);
        _leaseChanges.Add(new(new(request.ID, 0), IsGranted: false));
        return new LeaseRevokeResponse { Header = Header() };
    }

    /// <summary>No alarm stops it, as in etcd.</summary>
    private StoreResult<DowngradeResponse> Downgrade(DowngradeRequest request)
    {
        if (DowngradeRecord.Apply(_overlay, request) is { } refusal) return refusal;
        return new DowngradeResponse { Header = Header() };
    }

    private StoreError? Refusal(StoreError? invalid, bool needsSpace = false) =>
        invalid
        ?? (_state.Alarms.HasFlag(ActiveAlarms.Corrupt) ? StoreError.CorruptCluster
            : needsSpace && _state.Alarms.HasFlag(ActiveAlarms.NoSpace) ? StoreError.NoSpace
            : null);

    private RevisionWriter NextRevision() => new(_overlay, _arena, _events, _state.Revision + 1, _state.CompactedRevision);

    private void Finish(RevisionWriter writer)
    {
        if (writer.HasChanges) _state = _state with { Revision = writer.Current };
    }

    private ResponseHeader Header() => new() { Revision = _state.Revision };
}
