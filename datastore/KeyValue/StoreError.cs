namespace Raft.KeyValue;

/// <summary>The class of a refusal; Server turns it into the gRPC status code of the same name.</summary>
public enum StoreErrorKind
{
    /// <summary>The request can never be right.</summary>
    InvalidArgument,

    /// <summary>The revision asked for is compacted or in the future.</summary>
    OutOfRange,

    /// <summary>What the request names does not exist.</summary>
    NotFound,

    /// <summary>The store is full.</summary>
    ResourceExhausted,

    /// <summary>The cluster found its members to differ.</summary>
    DataLoss,
}

/// <summary>A refusal: an expected answer, not an exception. Clients match kind and text, so both are etcd's.</summary>
/// <param name="Kind">What kind of refusal.</param>
/// <param name="Message">etcd's text, with its prefix.</param>
public sealed record StoreError(StoreErrorKind Kind, string Message)
{
    /// <summary>A request without a key.</summary>
    public static readonly StoreError KeyNotProvided = Invalid("key is not provided");

    /// <summary>ignore_value or ignore_lease on a key that is not there; also an empty operation in a transaction.</summary>
    public static readonly StoreError KeyNotFound = Invalid("key not found");

    /// <summary>ignore_value together with a value.</summary>
    public static readonly StoreError ValueProvided = Invalid("value is provided");

    /// <summary>ignore_lease together with a lease.</summary>
    public static readonly StoreError LeaseProvided = Invalid("lease is provided");

    /// <summary>More operations on a level than allowed.</summary>
    public static readonly StoreError TooManyOperations = Invalid("too many operations in txn request");

    /// <summary>A transaction that would write one key twice.</summary>
    public static readonly StoreError DuplicateKey = Invalid("duplicate key given in txn request");

    /// <summary>A sort order or target that is not defined.</summary>
    public static readonly StoreError InvalidSortOption = Invalid("invalid sort option");

    /// <summary>A request above the size limit.</summary>
    public static readonly StoreError RequestTooLarge = Invalid("request is too large");

    /// <summary>A revision below the compacted one.</summary>
    public static readonly StoreError Compacted = OutOfRange("mvcc: required revision has been compacted");

    /// <summary>A revision above the current one.</summary>
    public static readonly StoreError FutureRevision = OutOfRange("mvcc: required revision is a future revision");

    /// <summary>A put under a lease that does not exist.</summary>
    public static readonly StoreError LeaseNotFound = new(StoreErrorKind.NotFound, Prefix + "requested lease not found");

    /// <summary>A put while the alarm NOSPACE is active.</summary>
    public static readonly StoreError NoSpace = new(StoreErrorKind.ResourceExhausted, Prefix + "mvcc: database space exceeded");

    /// <summary>A write or compaction while the alarm CORRUPT is active.</summary>
    public static readonly StoreError CorruptCluster = new(StoreErrorKind.DataLoss, Prefix + "corrupt cluster");

    private const string Prefix = "etcdserver: ";

    private static StoreError Invalid(string text) => new(StoreErrorKind.InvalidArgument, Prefix + text);

    private static StoreError OutOfRange(string text) => new(StoreErrorKind.OutOfRange, Prefix + text);
}
