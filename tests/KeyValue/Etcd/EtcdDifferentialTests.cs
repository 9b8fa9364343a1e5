using CsCheck;
using Google.Protobuf;
using Grpc.Core;
using Raft.KeyValue.Requests;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;
using static Raft.Protocol.Etcd.AlarmRequest.Types;

namespace Raft.KeyValue.Tests.Etcd;

/// <summary>
/// The same requests to this store and to a real etcd must get the same answers, revisions and error texts included. Both
/// live through all sequences; each begins by deleting every key, and names revisions relative to the current one.
/// </summary>
public sealed class EtcdDifferentialTests(EtcdProcess etcd) : IClassFixture<EtcdProcess>
{
    private const int Sequences = 300;
    private const ulong AlarmedMember = 7;

    private readonly KV.KVClient _kv = new(etcd.Channel);
    private readonly Maintenance.MaintenanceClient _maintenance = new(etcd.Channel);
    private static readonly TestStore Ours = new();

    private static readonly AlarmRequest[] ClearAlarms =
        [Alarm(AlarmAction.Deactivate, AlarmType.Nospace), Alarm(AlarmAction.Deactivate, AlarmType.Corrupt)];

    [Fact]
    public void Random_sequences_are_answered_as_etcd_answers_them() =>
        RandomRequests.Any.Array[1, 40].Sample(RunSequence, iter: Sequences, threads: 1);

    [Theory]
    [InlineData(AlarmType.Nospace)]
    [InlineData(AlarmType.Corrupt)]
    public void Random_sequences_under_an_alarm_are_answered_as_etcd_answers_them(AlarmType kind)
    {
        var alarms = Gen.OneOf(AlarmAction.Activate, AlarmAction.Deactivate, AlarmAction.Get)
            .Select(action => new RelativeRequest(_ => Alarm(action, kind)));
        Gen.Frequency((1, alarms), (8, RandomRequests.Any)).Array[1, 40].Sample(RunSequence, iter: 30, threads: 1);
    }

    [Theory]
    [InlineData(128, 0, 0)]
    [InlineData(129, 0, 0)]
    [InlineData(100, 28, 0)]
    [InlineData(100, 29, 0)]
    [InlineData(1, 126, 1)]
    [InlineData(1, 126, 2)]
    public void The_number_of_operations_is_limited_as_in_etcd(int outer, int middle, int inner)
    {
        var request = Puts("outer", outer);
        if (middle > 0)
        {
            var nested = Puts("middle", middle);
            if (inner > 0) nested.Failure.Add(new RequestOp { RequestTxn = Puts("inner", inner) });
            request.Success[0] = new RequestOp { RequestTxn = nested };
        }
        RunSequence([new RelativeRequest(_ => request)]);
    }

    private void RunSequence(RelativeRequest[] sequence)
    {
        var deleteAll = new RelativeRequest(_ => new DeleteRangeRequest { Key = Bytes("\0"), RangeEnd = Bytes("\0") });
        foreach (var clear in ClearAlarms) _ = (FromEtcd(clear), FromOurs(clear));
        foreach (var relative in sequence.Prepend(deleteAll))
        {
            var request = relative.At(Ours.Revision);
            if (request is TxnRequest txn && (MayKillEtcd(txn) || EscapesTheAlarm(txn))) continue;
            var (theirs, ours) = (FromEtcd(request), FromOurs(request));
            Assert.True(theirs == ours, $"{request.Descriptor.Name} {request}\n etcd: {theirs}\n ours: {ours}");
        }
    }

    private string FromEtcd(IMessage request)
    {
        try
        {
            return Text(request switch
            {
                RangeRequest range => _kv.Range(range),
                PutRequest put => _kv.Put(put),
                DeleteRangeRequest delete => _kv.DeleteRange(delete),
                TxnRequest txn => _kv.Txn(txn),
                CompactionRequest compact => _kv.Compact(compact),
                AlarmRequest alarm => _maintenance.Alarm(alarm),
                _ => throw new ArgumentException($"No client for {request.GetType().Name}.", nameof(request)),
            });
        }
        catch (RpcException refused)
        {
            if (refused.StatusCode == StatusCode.Unavailable) etcd.MustLive(request);
            return $"{refused.StatusCode}: {refused.Status.Detail}";
        }
    }

    /// <summary>As Server does it: what only reads is answered from a view, the rest goes through the log.</summary>
    private static string FromOurs(IMessage request)
    {
        using var view = Ours.Store.OpenView();
        var (response, error) = request switch
        {
            RangeRequest range => view.Range(range).ToCommandResult(),
            TxnRequest txn when RequestShape.IsReadOnly(txn) => view.Txn(txn).ToCommandResult(),
            _ => Ours.Apply(Command(request)),
        };
        return error is null ? Text(response!) : $"{error.Kind}: {error.Message}";
    }

    /// <summary>Ids and terms differ, of course. etcd 3.4 leaves the header of an alarm's response out; later ones do not.</summary>
    private static string Text(IMessage response)
    {
        var field = response.Descriptor.FindFieldByName("header").Accessor;
        if (response is AlarmResponse) field.Clear(response);
        else if (field.GetValue(response) is ResponseHeader header) (header.ClusterId, header.MemberId, header.RaftTerm) = (0, 0, 0);
        return response.ToString()!;
    }

    /// <summary>
    /// etcd overlooks that an open-ended delete covers a put, and panics when that put is to keep what has been deleted. Ours
    /// refuses such a transaction (see <see cref="TransactionTests"/>).
    /// </summary>
    private static bool MayKillEtcd(TxnRequest txn)
    {
        var operations = Flatten(txn).ToList();
        return operations.Exists(op => op.RequestDeleteRange is { RangeEnd: [0] })
            && operations.Exists(op => op.RequestPut is { IgnoreValue: true } or { IgnoreLease: true });
    }

    /// <summary>
    /// etcd looks at the first level of a transaction only. While NOSPACE is active it overlooks puts below that, which ours
    /// refuses; while CORRUPT is active it takes a nested transaction for a write and refuses it, though it may only read.
    /// </summary>
    private static bool EscapesTheAlarm(TxnRequest txn)
    {
        var firstLevel = txn.Success.Concat(txn.Failure).ToList();
        using var view = Ours.Store.OpenView();
        return (view.Alarms(AlarmType.Nospace).Count > 0 && RequestShape.MayPut(txn) && !firstLevel.Any(op => op.RequestPut is not null))
            || (view.Alarms(AlarmType.Corrupt).Count > 0 && RequestShape.IsReadOnly(txn) && firstLevel.Any(op => op.RequestTxn is not null));
    }

    private static IEnumerable<RequestOp> Flatten(TxnRequest txn) =>
        txn.Success.Concat(txn.Failure).SelectMany(op => op.RequestTxn is { } nested ? Flatten(nested) : [op]);

    private static TxnRequest Puts(string prefix, int count) => new()
    {
        Success = { Enumerable.Range(0, count).Select(at => new RequestOp { RequestPut = new() { Key = Bytes($"{prefix}{at}") } }) },
    };

    private static AlarmRequest Alarm(AlarmAction action, AlarmType kind) =>
        new() { Action = action, Alarm = kind, MemberID = AlarmedMember };
}
