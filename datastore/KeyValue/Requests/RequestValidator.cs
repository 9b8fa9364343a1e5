using Google.Protobuf;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.RequestOp;

namespace Raft.KeyValue.Requests;

/// <summary>
/// The checks that need no state, in etcd's order. Server makes them before it proposes, so that nonsense never reaches the
/// log; the state machine makes them again, so that it does not depend on who proposed.
/// </summary>
public static class RequestValidator
{
    /// <summary>etcd's --max-txn-ops: compares, then-operations or else-operations of a transaction, each.</summary>
    public const int DefaultMaxOperations = 128;

    /// <summary>
    /// Transactions inside each other. Below the 100 levels at which protobuf refuses to read, two of which a transaction
    /// takes: what is put into a command, forwarded or kept as an answer lies deeper than in the request, and a command that
    /// no member can read again would stop them all.
    /// </summary>
    private const int MaxNestedTransactions = 32;

    /// <summary>etcd's --max-request-bytes: 1.5 MiB.</summary>
    public const int DefaultMaxRequestBytes = 3 * 512 * 1024;

    /// <summary>A request that is too large to be replicated.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxBytes">Largest size, encoded.</param>
    public static StoreError? ValidateSize(IMessage request, int maxBytes = DefaultMaxRequestBytes) =>
        request.CalculateSize() > maxBytes ? StoreError.RequestTooLarge : null;

    /// <summary>Refuses a missing key and undefined sort options.</summary>
    public static StoreError? Validate(RangeRequest request) =>
        request.Key.IsEmpty ? StoreError.KeyNotProvided
        : !Enum.IsDefined(request.SortOrder) || !Enum.IsDefined(request.SortTarget) ? StoreError.InvalidSortOption
        : null;

    /// <summary>Refuses a missing key, and a value or lease that is to be ignored.</summary>
    public static StoreError? Validate(PutRequest request) =>
        request.Key.IsEmpty ? StoreError.KeyNotProvided
        : request.IgnoreValue && !request.Value.IsEmpty ? StoreError.ValueProvided
        : request.IgnoreLease && request.Lease != 0 ? StoreError.LeaseProvided
        : null;

    /// <summary>Refuses a missing key.</summary>
    public static StoreError? Validate(DeleteRangeRequest request) => request.Key.IsEmpty ? StoreError.KeyNotProvided : null;

    /// <summary>Refuses too many operations or levels, any invalid one at any level, and keys that would be written twice.</summary>
    /// <param name="request">The transaction.</param>
    /// <param name="maxOperations">Compares or operations of a branch; a nested transaction may have as many as its parent left.</param>
    public static StoreError? Validate(TxnRequest request, int maxOperations = DefaultMaxOperations) =>
        ValidateLevel(request, maxOperations, MaxNestedTransactions) ?? WriteOverlap.Check(request);

    private static StoreError? ValidateLevel(TxnRequest request, int maxOperations, int maxNested)
    {
        var operations = Math.Max(request.Compare.Count, Math.Max(request.Success.Count, request.Failure.Count));
        if (operations > maxOperations || maxNested < 0) return StoreError.TooManyOperations;
        foreach (var compare in request.Compare)
            if (compare.Key.IsEmpty) return StoreError.KeyNotProvided;
        foreach (var operation in request.Success.Concat(request.Failure))
            if (ValidateOperation(operation, maxOperations - operations, maxNested - 1) is { } refusal) return refusal;
        return null;
    }

    private static StoreError? ValidateOperation(RequestOp operation, int maxNestedOperations, int maxNested) => operation.RequestCase switch
    {
        RequestOneofCase.RequestRange => Validate(operation.RequestRange),
        RequestOneofCase.RequestPut => Validate(operation.RequestPut),
        RequestOneofCase.RequestDeleteRange => Validate(operation.RequestDeleteRange),
        RequestOneofCase.RequestTxn => ValidateLevel(operation.RequestTxn, maxNestedOperations, maxNested),
        _ => StoreError.KeyNotFound,
    };
}
