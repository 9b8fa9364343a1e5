using Google.Protobuf;
using Raft.InMemory;
using Raft.KeyValue;
using Raft.KeyValue.Auth;
using Raft.KeyValue.Requests;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// A client's request on the whole of its way: parsed, checked, put into a command as bytes, read again and applied as every
/// member does, once in a session and again as a retry, its answer forwarded. By the first byte: range, transaction, any other
/// command as the log holds it, a watch. A command with an identity meets a store with authentication.
/// </summary>
internal sealed class RequestTarget : IFuzzTarget
{
    private const long NowMs = 1_750_000_000_000;
    private const long Lease = 5;
    private const string User = "user";
    private const string Role = "role";

    /// <summary>Of the store that requests meet.</summary>
    private const ulong AuthRevision = 7;

    public string Name => "request";

    public long AllocationBytesMax => 256 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        var key = ByteString.CopyFromUtf8("k3");
        yield return ("range", [0, .. new RangeRequest { Key = key, RangeEnd = ByteString.CopyFromUtf8("k7"), Limit = 3, Revision = 9, SortOrder = RangeRequest.Types.SortOrder.Descend }.ToByteArray()]);
        var put = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8("new"), PrevKv = true };
        var compare = new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater, Version = 0 };
        var txn = new TxnRequest
        {
            Compare = { compare },
            Success = { new RequestOp { RequestPut = put }, new RequestOp { RequestRange = new() { Key = key } } },
            Failure = { new RequestOp { RequestDeleteRange = new() { Key = key, RangeEnd = ByteString.CopyFrom(0), PrevKv = true } } },
        };
        yield return ("txn", [1, .. txn.ToByteArray()]);
        yield return ("txn-read-only", [1, .. new TxnRequest { Success = { new RequestOp { RequestRange = new() { Key = key } } } }.ToByteArray()]);
        foreach (var depth in new[] { 2, 30, 48, 49, 50, 60, 127 })
            yield return ($"txn-nested-{depth}", [1, .. Nested(txn, depth).ToByteArray()]);
        Command[] commands =
        [
            new() { Put = put }, new() { DeleteRange = new() { Key = key, RangeEnd = ByteString.CopyFromUtf8("k5") } },
            new() { Compact = new() { Revision = 5 } }, new() { Alarm = new() { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = AlarmType.Nospace, MemberID = 1 } },
            new() { Put = new() { Key = key, Lease = Lease, IgnoreValue = true } },
            new() { LeaseGrant = new() { ID = 6, TTL = 60 } }, new() { LeaseRevoke = new() { ID = Lease } },
            new() { Downgrade = new() { Action = DowngradeRequest.Types.DowngradeAction.Enable, Version = "3.4.0" } },
            new() { AuthEnable = new() }, new() { AuthDisable = new() },
            new() { AuthUserAdd = new() { Name = "new", HashedPassword = "c2VjcmV0" } },
            new() { AuthUserAdd = new() { Name = "without", Options = new() { NoPassword = true } } },
            new() { AuthUserDelete = new() { Name = User } },
            new() { AuthUserChangePassword = new() { Name = User, HashedPassword = "c2VjcmV0" } },
            new() { AuthUserGrantRole = new() { User = User, Role = AuthState.Root } }, new() { AuthUserRevokeRole = new() { Name = User, Role = Role } },
            new() { AuthRoleAdd = new() { Name = "new" } }, new() { AuthRoleDelete = new() { Role = Role } },
            new() { AuthRoleGrantPermission = new() { Name = Role, Perm = new() { Key = key, RangeEnd = ByteString.CopyFromUtf8("k7"), PermType = Permission.Types.Type.Readwrite } } },
            new() { AuthRoleRevokePermission = new() { Role = Role, Key = ByteString.CopyFromUtf8("k") } },
            new() { GrantToken = new() { User = User, Token = "token", AuthRevision = AuthRevision } },
            new() { OpenSession = new() { TtlMs = 60_000 } }, new() { KeepAliveSession = new() { Session = 1, Acknowledged = 3 } }, new() { CloseSession = new() { Session = 1 } },
        ];
        foreach (var command in commands)
        {
            command.TimeUnixMs = NowMs;
            var name = $"command-{command.OperationCase}{(command.Put?.Lease > 0 ? "-lease" : "")}{(command.AuthUserAdd?.Options is null ? "" : "-no-password")}";
            yield return (name, [2, .. command.ToByteArray()]);
            command.Identity = new() { User = AuthState.Root, AuthRevision = AuthRevision };
            if (ChangesUsers(command) || command.Put is not null)
                yield return ($"{name}-by-root", [2, .. command.ToByteArray()]);
        }

        yield return ("watch", [3, .. new WatchCreateRequest { Key = key, StartRevision = 3, PrevKv = true }.ToByteArray()]);
        var all = ByteString.CopyFrom(0);
        yield return ("watch-all", [3, .. new WatchCreateRequest { Key = all, RangeEnd = all, StartRevision = 1, Fragment = true, WatchId = 7 }.ToByteArray()]);
        yield return ("watch-filtered", [3, .. new WatchCreateRequest { Key = key, RangeEnd = all, Filters = { WatchCreateRequest.Types.FilterType.Noput }, ProgressNotify = true }.ToByteArray()]);
    }

    public string Run(byte[] input)
    {
        var bytes = input.AsSpan(Math.Min(1, input.Length));
        try
        {
            return (input.Length > 0 ? input[0] % 4 : 0) switch
            {
                0 => Read(RangeRequest.Parser.ParseFrom(bytes)),
                1 => Transact(TxnRequest.Parser.ParseFrom(bytes)),
                2 => Apply(Command.Parser.ParseFrom(bytes)),
                _ => Watch(WatchCreateRequest.Parser.ParseFrom(bytes)),
            };
        }
        catch (InvalidProtocolBufferException)
        {
            return "refused (no protobuf)";
        }
    }

    private static string Read(RangeRequest request)
    {
        using var view = Filled(out _).OpenView();
        return Said(view.Range(request).Error);
    }

    private static string Transact(TxnRequest request)
    {
        if (RequestValidator.Validate(request) is { } refusal)
            return Said(refusal);
        if (RequestShape.IsReadOnly(request))
        {
            using var view = Filled(out _).OpenView();
            return Said(view.Txn(request).Error);
        }

        return Apply(new Command { Txn = request, TimeUnixMs = NowMs });
    }

    private static string Apply(Command command)
    {
        if (!StoreTransaction.Understands(command))
            return "refused (not the store's)";
        var store = Filled(out var session, withAuth: command.Identity is not null);
        // Commands about sessions carry no stamp, nor do those that grant tokens.
        var isStamped = command.OperationCase is not (Command.OperationOneofCase.OpenSession or Command.OperationOneofCase.GrantToken
            or Command.OperationOneofCase.KeepAliveSession or Command.OperationOneofCase.CloseSession);
        if (isStamped)
            command.Session ??= new() { Session = session, Sequence = 1 };

        // What a leader took, every member must be able to read and apply, and to answer again.
        var taken = ReadAgain(command, Command.Parser);
        var transaction = store.Begin();
        var result = transaction.Apply(taken);
        var again = transaction.Apply(taken);
        transaction.Commit();
        if (result.Error is null && isStamped && !Equals(again.Response, result.Response)
            && again.Error?.Kind is not (StoreErrorKind.AlreadyExists or StoreErrorKind.NotFound) && !ChangesUsers(command))
        {
            throw new FuzzFindingException("a retry in a session got another answer");
        }

        if (result.Response is TxnResponse answer)
            ReadAgain(new ForwardResponse { Index = 1, Txn = answer }, ForwardResponse.Parser);
        return Said(result.Error);
    }

    /// <summary>To be given a first answer again takes the permission that the request takes, of which such a one may have made an end.</summary>
    private static bool ChangesUsers(Command command) =>
        command.OperationCase is >= Command.OperationOneofCase.AuthEnable and <= Command.OperationOneofCase.AuthRoleRevokePermission;

    private static string Watch(WatchCreateRequest request)
    {
        var store = Filled(out _);
        var hub = new WatchHub(store, new WatchLimits());
        using var channel = hub.OpenChannel(static () => { });
        channel.Create(request);
        var told = 0L;
        for (var turns = 0; turns < 1000; turns++)
        {
            if (!channel.TryTake(out var answer))
            {
                if (hub.CatchUp())
                    continue;
                return "taken";
            }

            if (answer.IsCanceled)
                return "refused (watch)";
            foreach (var change in WatchResponse.Parser.ParseFrom(answer.Events.SelectMany(static field => field.ToArray()).ToArray()).Events)
            {
                if (change.Kv.ModRevision < Math.Max(told, request.StartRevision))
                    throw new FuzzFindingException("a watch is told of what it did not ask for, or out of order");
                told = change.Kv.ModRevision;
            }
        }

        throw new FuzzFindingException("a watch of a few changes does not come to an end");
    }

    private static T ReadAgain<T>(T message, MessageParser<T> parser)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(message.ToByteArray());
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new FuzzFindingException($"what a member took no member can read: {error.Message}");
        }
    }

    private static string Said(StoreError? refusal) => refusal is null ? "taken" : $"refused ({refusal.Kind})";

    private static TxnRequest Nested(TxnRequest innermost, int depth)
    {
        for (; depth > 0; depth--)
            innermost = new TxnRequest { Success = { new RequestOp { RequestTxn = innermost } } };
        return innermost;
    }

    private static KeyValueStore Filled(out ulong session, bool withAuth = false)
    {
        var store = new KeyValueStore(new InMemoryOrderedStore());
        var transaction = store.Begin();
        for (var i = 0; i < 20; i++)
            transaction.Apply(new() { Put = new() { Key = ByteString.CopyFromUtf8($"k{i % 10}"), Value = ByteString.CopyFromUtf8($"value {i}") } });
        transaction.Apply(new() { LeaseGrant = new() { ID = Lease, TTL = 60 } });
        transaction.Apply(new() { Put = new() { Key = ByteString.CopyFromUtf8("k9"), Lease = Lease } });
        foreach (var user in (string[])[AuthState.Root, User])
            transaction.Apply(new() { AuthUserAdd = new() { Name = user, Options = new() { NoPassword = true } } });
        transaction.Apply(new() { AuthRoleAdd = new() { Name = Role } });
        transaction.Apply(new() { AuthRoleGrantPermission = new() { Name = Role, Perm = new() { Key = ByteString.CopyFromUtf8("k"), PermType = Permission.Types.Type.Read } } });
        transaction.Apply(new() { AuthUserGrantRole = new() { User = User, Role = Role } });
        transaction.Apply(new() { AuthUserGrantRole = new() { User = AuthState.Root, Role = AuthState.Root } });
        if (withAuth)
            transaction.Apply(new() { AuthEnable = new() });
        session = ((OpenSessionResponse)transaction.Apply(new() { OpenSession = new() { TtlMs = 3_600_000 }, TimeUnixMs = NowMs, Identity = withAuth ? new() { User = AuthState.Root, AuthRevision = AuthRevision } : null }).Response!).Session;
        transaction.Commit();
        return store;
    }
}
