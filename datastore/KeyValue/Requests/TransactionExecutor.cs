using Google.Protobuf;
using Google.Protobuf.Collections;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.KeyValue.Writing;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.RequestOp;

namespace Raft.KeyValue.Requests;

/// <summary>
/// Runs one validated transaction in three passes: evaluate every guard along the branches taken, check every operation on
/// them, then execute, which can't fail any more. So a refused transaction has changed nothing, and no guard sees a write.
/// </summary>
internal sealed class TransactionExecutor
{
    private readonly IStateReader _reader;
    private readonly StoreState _state;
    private readonly OperationExecutor _operations;

    /// <summary>The outcome of each transaction's guards, in the order in which transactions are met along the taken branches.</summary>
    private readonly List<bool> _outcomes = [];

    private int _nextOutcome;

    public TransactionExecutor(IStateReader reader, StoreState state, RevisionWriter? writer, Action<int>? read = null)
    {
        _reader = reader;
        _state = state;
        _operations = new OperationExecutor(reader, state, writer, read);
    }

    public static TransactionExecutor ReadOnly(IStateReader reader, StoreState state, Action<int>? read) => new(reader, state, writer: null, read);

    public StoreResult<TxnResponse> Run(TxnRequest request)
    {
        Evaluate(request);
        if (FirstRefusal(request, CheckPut) is { } putRefusal) return putRefusal;
        if (FirstRefusal(request, CheckRange) is { } rangeRefusal) return rangeRefusal;
        _nextOutcome = 0;
        var response = Execute(request);
        response.Header = new ResponseHeader { Revision = _operations.CurrentRevision };
        return response;
    }

    private void Evaluate(TxnRequest request)
    {
        var holds = Comparison.AllHold(_reader, request.Compare);
        _outcomes.Add(holds);
        foreach (var operation in holds ? request.Success : request.Failure)
            if (operation.RequestCase == RequestOneofCase.RequestTxn) Evaluate(operation.RequestTxn);
    }

    private StoreError? FirstRefusal(TxnRequest request, Func<RequestOp, StoreError?> check)
    {
        _nextOutcome = 0;
        return FirstRefusalInLevel(request, check);
    }

    private StoreError? FirstRefusalInLevel(TxnRequest request, Func<RequestOp, StoreError?> check)
    {
        foreach (var operation in TakenBranch(request))
        {
            var refusal = operation.RequestCase == RequestOneofCase.RequestTxn
                ? FirstRefusalInLevel(operation.RequestTxn, check)
                : check(operation);
            if (refusal is not null) return refusal;
        }
        return null;
    }

    private StoreError? CheckPut(RequestOp operation) =>
        operation.RequestCase != RequestOneofCase.RequestPut ? null
        : _operations.CheckIgnored(operation.RequestPut) ?? _operations.CheckLease(operation.RequestPut);

    /// <summary>Here a negative revision is one that is gone; outside a transaction it means the newest.</summary>
    private StoreError? CheckRange(RequestOp operation) =>
        operation.RequestCase != RequestOneofCase.RequestRange ? null
        : operation.RequestRange.Revision != 0 && operation.RequestRange.Revision < _state.CompactedRevision ? StoreError.Compacted
        : RangeQuery.CheckRevision(operation.RequestRange.Revision, _state.Revision, _state.CompactedRevision);

    private TxnResponse Execute(TxnRequest request)
    {
        var branch = TakenBranch(request, out var succeeded);
        var response = new TxnResponse { Succeeded = succeeded };
        foreach (var operation in branch) response.Responses.Add(Execute(operation));
        return response;
    }

    private ResponseOp Execute(RequestOp operation) => operation.RequestCase switch
    {
        RequestOneofCase.RequestRange => new() { ResponseRange = Certain(_operations.Range(operation.RequestRange)) },
        RequestOneofCase.RequestPut => new() { ResponsePut = Certain(_operations.Put(operation.RequestPut)) },
        RequestOneofCase.RequestDeleteRange => new() { ResponseDeleteRange = _operations.DeleteRange(operation.RequestDeleteRange) },
        RequestOneofCase.RequestTxn => new() { ResponseTxn = ExecuteNested(operation.RequestTxn) },
        _ => throw new InvalidOperationException($"An operation of kind {operation.RequestCase} passed the checks."),
    };

    private TxnResponse ExecuteNested(TxnRequest request)
    {
        var response = Execute(request);
        response.Header = new ResponseHeader();
        return response;
    }

    private RepeatedField<RequestOp> TakenBranch(TxnRequest request) => TakenBranch(request, out _);

    private RepeatedField<RequestOp> TakenBranch(TxnRequest request, out bool succeeded)
    {
        succeeded = _outcomes[_nextOutcome++];
        return succeeded ? request.Success : request.Failure;
    }

    private static TResponse Certain<TResponse>(StoreResult<TResponse> result)
        where TResponse : class, IMessage =>
        result.IsRefused
            ? throw new InvalidOperationException($"A checked operation was refused inside a transaction: {result.Error.Message}")
            : result.Response;
}
