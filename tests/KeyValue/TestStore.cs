using System.Text;
using Google.Protobuf;
using Raft.InMemory;
using Raft.KeyValue.Sessions;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Tests;

/// <summary>A store in memory with the words that tests speak: one command, one commit.</summary>
internal sealed class TestStore
{
    public InMemoryOrderedStore Disk { get; } = new();

    public KeyValueStore Store { get; }

    public TestStore(SessionLimits? limits = null) => Store = new KeyValueStore(Disk, limits ?? SessionLimits.Default);

    public long Revision => Store.Revision;

    /// <summary>The changes of the last committed command.</summary>
    public IReadOnlyList<StoreEvent> LastEvents { get; private set; } = [];

    public CommandResult Apply(Command command)
    {
        var transaction = Store.Begin();
        var result = transaction.Apply(command);
        transaction.Commit();
        LastEvents = transaction.Events;
        return result;
    }

    public StoreError? Refusal(IMessage request) => Apply(Command(request)).Error;

    public TResponse Do<TResponse>(IMessage request)
        where TResponse : class, IMessage
    {
        var (response, error) = Apply(Command(request));
        Assert.Null(error);
        return Assert.IsType<TResponse>(response);
    }

    public PutResponse Put(string key, string value, bool prevKv = false) =>
        Do<PutResponse>(new PutRequest { Key = Bytes(key), Value = Bytes(value), PrevKv = prevKv });

    public DeleteRangeResponse Delete(string key, string end = "", bool prevKv = false) =>
        Do<DeleteRangeResponse>(new DeleteRangeRequest { Key = Bytes(key), RangeEnd = Bytes(end), PrevKv = prevKv });

    public void Compact(long revision) => Do<CompactionResponse>(new CompactionRequest { Revision = revision });

    public TxnResponse Txn(TxnRequest request) => Do<TxnResponse>(request);

    public StoreResult<RangeResponse> TryRange(RangeRequest request, AuthIdentity? identity = null)
    {
        using var view = Store.OpenView();
        return view.Range(request, identity);
    }

    public RangeResponse Range(RangeRequest request)
    {
        var result = TryRange(request);
        Assert.Null(result.Error);
        return result.Response!;
    }

    public RangeResponse Range(string key, string end = "", long revision = 0) =>
        Range(new RangeRequest { Key = Bytes(key), RangeEnd = Bytes(end), Revision = revision });

    /// <summary>The value of a key, or null.</summary>
    public string? Get(string key, long revision = 0) => Range(key, revision: revision).Kvs.SingleOrDefault()?.Value.ToStringUtf8();

    /// <summary>The value of a key, as a user reads it, or null.</summary>
    public string? Get(string key, AuthIdentity identity)
    {
        var result = TryRange(new RangeRequest { Key = Bytes(key) }, identity);
        Assert.Null(result.Error);
        return result.Response!.Kvs.SingleOrDefault()?.Value.ToStringUtf8();
    }

    /// <summary>Does all physical compaction that is due, in steps of a size.</summary>
    public void CompactPhysically(int maxChanges = 1000)
    {
        while (Store.HasCompactionWork)
        {
            var transaction = Store.Begin();
            transaction.CompactStep(maxChanges);
            transaction.Commit();
        }
    }

    public HashKVResponse Hash(long revision = 0)
    {
        using var view = Store.OpenView();
        var result = view.HashKv(revision);
        Assert.Null(result.Error);
        return result.Response!;
    }

    public static ByteString Bytes(string text) => ByteString.CopyFrom(text, Encoding.Latin1);

    public static Command Command(IMessage request) => request switch
    {
        PutRequest put => new() { Put = put },
        LeaseGrantRequest grant => new() { LeaseGrant = grant },
        LeaseRevokeRequest revoke => new() { LeaseRevoke = revoke },
        DeleteRangeRequest delete => new() { DeleteRange = delete },
        TxnRequest txn => new() { Txn = txn },
        CompactionRequest compact => new() { Compact = compact },
        AlarmRequest alarm => new() { Alarm = alarm },
        DowngradeRequest downgrade => new() { Downgrade = downgrade },
        OpenSessionRequest open => new() { OpenSession = open },
        KeepAliveSessionRequest keepAlive => new() { KeepAliveSession = keepAlive },
        CloseSessionRequest close => new() { CloseSession = close },
        TokenGrant grant => new() { GrantToken = grant },
        AuthEnableRequest enable => new() { AuthEnable = enable },
        AuthDisableRequest disable => new() { AuthDisable = disable },
        AuthUserAddRequest add => new() { AuthUserAdd = add },
        AuthUserDeleteRequest delete => new() { AuthUserDelete = delete },
        AuthUserChangePasswordRequest change => new() { AuthUserChangePassword = change },
        AuthUserGrantRoleRequest grant => new() { AuthUserGrantRole = grant },
        AuthUserRevokeRoleRequest revoke => new() { AuthUserRevokeRole = revoke },
        AuthRoleAddRequest add => new() { AuthRoleAdd = add },
        AuthRoleDeleteRequest delete => new() { AuthRoleDelete = delete },
        AuthRoleGrantPermissionRequest grant => new() { AuthRoleGrantPermission = grant },
        AuthRoleRevokePermissionRequest revoke => new() { AuthRoleRevokePermission = revoke },
        _ => throw new ArgumentException($"There is no command for {request.GetType().Name}.", nameof(request)),
    };
}
