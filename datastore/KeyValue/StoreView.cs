using Raft.KeyValue.Auth;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Leases;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Requests;
using Raft.KeyValue.Writing;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue;

/// <summary>
/// The committed state at one moment. Any number of threads may read through one view at a time; it holds back the removal
/// of what it shows, so dispose it soon.
/// </summary>
public sealed class StoreView : IDisposable
{
    private readonly SharedView _shared;
    private int _disposed;

    /// <param name="shared">Acquired by the caller; released when the view is disposed of.</param>
    internal StoreView(SharedView shared) => _shared = shared;

    /// <summary>The revision that this view shows as current.</summary>
    public long Revision => State.Revision;

    /// <summary>The oldest revision that this view can show; -1: all of them.</summary>
    public long CompactedRevision => State.CompactedRevision;

    internal StoreState State => _shared.State;

    /// <summary>The users and roles that go with this view's data.</summary>
    public AuthState Auth => _shared.Auth;

    /// <summary>Answers a range, at the current or an older revision; as in etcd, no alarm stops a read.</summary>
    /// <param name="request">The range.</param>
    /// <param name="identity">Who asks; null: nobody in particular, which is refused while authentication is on.</param>
    /// <param name="read">Is told of the bytes of each pair that is gathered for the answer; what it throws ends the range.</param>
    public StoreResult<RangeResponse> Range(RangeRequest request, AuthIdentity? identity = null, Action<int>? read = null) =>
        Refusal(request, identity) is { } refusal ? refusal : RangeQuery.Run(Reader, request, Revision, CompactedRevision, read);

    /// <summary>Answers a transaction that writes nothing, whichever branch it takes (see <see cref="RequestShape.IsReadOnly"/>).</summary>
    /// <param name="request">The transaction.</param>
    /// <param name="identity">Who asks; null: nobody in particular, which is refused while authentication is on.</param>
    /// <param name="read">As in <see cref="Range"/>.</param>
    /// <exception cref="ArgumentException">The transaction may write: it has to go through the log.</exception>
    public StoreResult<TxnResponse> Txn(TxnRequest request, AuthIdentity? identity = null, Action<int>? read = null)
    {
        if (!RequestShape.IsReadOnly(request)) throw new ArgumentException("The transaction may write.", nameof(request));
        return RequestValidator.Validate(request) is { } refusal ? refusal
            : State.Auth.IsEnabled && new RequestAccess(Auth, identity, Reader).Check(request) is { } denial ? denial
            : TransactionExecutor.ReadOnly(Reader, State, read).Run(request);
    }

    /// <summary>
    /// A checksum of all that can be read between the compacted revision and this one (0: the current one). Equal on members
    /// that have applied the same commands, however far each has removed compacted versions from its disk.
    /// </summary>
    public StoreResult<HashKVResponse> HashKv(long revision)
    {
        if (RangeQuery.CheckRevision(revision, Revision, CompactedRevision) is { } refusal) return refusal;
        var hashed = revision > 0 ? revision : Revision;
        return new HashKVResponse
        {
            Header = new ResponseHeader { Revision = Revision },
            Hash = HistoryHash.Compute(Reader, CompactedRevision, hashed),
            CompactRevision = CompactedRevision,
            HashRevision = hashed,
        };
    }

    /// <summary>
    /// The same over what can be read between any two revisions that this view shows, so that members can be compared of which
    /// one has compacted or applied more than the other.
    /// </summary>
    /// <param name="compacted">From here on; not below the compacted revision.</param>
    /// <param name="revision">Up to here; not above the current revision.</param>
    /// <param name="read">Is told of the bytes of every pair, so that who asks can take its time.</param>
    public uint HashBetween(long compacted, long revision, Action<int> read)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(compacted, CompactedRevision);
        ArgumentOutOfRangeException.ThrowIfLessThan(revision, compacted);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(revision, Revision);
        return HistoryHash.Compute(Reader, compacted, revision, read);
    }

    /// <summary>The active alarms, by kind and member; NONE names all kinds.</summary>
    public IReadOnlyList<AlarmMember> Alarms(AlarmType kind = AlarmType.None) => AlarmRecords.List(Reader, kind);

    /// <summary>The downgrade that is enabled, if one is.</summary>
    public DowngradeInfo Downgrade => DowngradeRecord.Read(Reader);

    /// <summary>The time to live that a lease was granted, in seconds; null: there is no such lease.</summary>
    public long? LeaseTtl(long id) => LeaseTable.Ttl(Reader, id);

    /// <summary>The keys that live under a lease, in order.</summary>
    public IReadOnlyList<byte[]> LeaseKeys(long id) => LeaseTable.Keys(Reader, id);

    /// <summary>May the caller hold or end a lease, and put keys under it? Null: yes.</summary>
    /// <param name="id">The lease; one that does not exist is everybody's.</param>
    /// <param name="identity">Who asks; null: nobody in particular.</param>
    public StoreError? CheckLease(long id, AuthIdentity? identity) =>
        State.Auth.IsEnabled ? new RequestAccess(Auth, identity, Reader).CheckLease(id) : null;

    /// <summary>All leases, by id.</summary>
    public IReadOnlyList<GrantedLease> Leases() => LeaseTable.List(Reader);

    /// <summary>A value of the node's own keyspace, or null.</summary>
    public byte[]? GetNodeValue(ReadOnlySpan<byte> name) => _shared.Ordered.Get(KeyLayout.NodeKey(name));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _shared.Release();
    }

    /// <summary>Why a range is not answered, whatever is there; null: it is.</summary>
    internal StoreError? Refusal(RangeRequest request, AuthIdentity? identity) =>
        RequestValidator.Validate(request) is { } refusal ? refusal
        : State.Auth.IsEnabled ? Auth.CheckRead(identity, request.Key, request.RangeEnd) : null;

    internal CommittedReader Reader
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return _shared.Reader;
        }
    }
}
