using Google.Protobuf;
using Raft.InMemory;
using Raft.KeyValue;
using Raft.KeyValue.Requests;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// A client's request on the whole of its way: parsed, checked, put into a command as bytes, read again and applied as every
/// member does, once in a session and again as a retry, its answer forwarded. By the first byte: range, transaction, any other
/// command as the log holds it.
/// </summary>
internal sealed class RequestTarget : IFuzzTarget
{
    private const long NowMs = 1_750_000_000_000;

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
            new() { OpenSession = new() { TtlMs = 60_000 } }, new() { KeepAliveSession = new() { Session = 1, Acknowledged = 3 } }, new() { CloseSession = new() { Session = 1 } },
        ];
        foreach (var command in commands)
        {
            command.TimeUnixMs = NowMs;
            yield return ($"command-{command.OperationCase}", [2, .. command.ToByteArray()]);
        }
    }

    public string Run(byte[] input)
    {
        var bytes = input.AsSpan(Math.Min(1, input.Length));
        try
        {
            return (input.Length > 0 ? input[0] % 3 : 0) switch
            {
                0 => Read(RangeRequest.Parser.ParseFrom(bytes)),
                1 => Transact(TxnRequest.Parser.ParseFrom(bytes)),
                _ => Apply(Command.Parser.ParseFrom(bytes)),
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
        var store = Filled(out var session);
        // Commands about sessions carry no stamp.
        var isStamped = command.OperationCase is not (Command.OperationOneofCase.OpenSession
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
            && again.Error?.Kind is not (StoreErrorKind.AlreadyExists or StoreErrorKind.NotFound))
        {
            throw new FuzzFindingException("a retry in a session got another answer");
        }

        if (result.Response is TxnResponse answer)
            ReadAgain(new ForwardResponse { Index = 1, Txn = answer }, ForwardResponse.Parser);
        return Said(result.Error);
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

    private static KeyValueStore Filled(out ulong session)
    {
        var store = new KeyValueStore(new InMemoryOrderedStore());
        var transaction = store.Begin();
        for (var i = 0; i < 20; i++)
            transaction.Apply(new() { Put = new() { Key = ByteString.CopyFromUtf8($"k{i % 10}"), Value = ByteString.CopyFromUtf8($"value {i}") } });
        session = ((OpenSessionResponse)transaction.Apply(new() { OpenSession = new() { TtlMs = 3_600_000 }, TimeUnixMs = NowMs }).Response!).Session;
        transaction.Commit();
        return store;
    }
}
