using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Raft.KeyValue;

/// <summary>
/// The class of a refusal; Server turns it into the gRPC status code of the same name. The numbers are gRPC's and are stored.
/// </summary>
[SuppressMessage("Design", "CA1008", Justification = "gRPC's 0 is OK, which is no refusal.")]
public enum StoreErrorKind
{
    /// <summary>etcd gives no code.</summary>
    Unknown = 2,

    /// <summary>The request can never be right.</summary>
    InvalidArgument = 3,

    /// <summary>What the request names does not exist.</summary>
    NotFound = 5,

    /// <summary>The request took effect before, and its answer is no longer there.</summary>
    AlreadyExists = 6,

    /// <summary>The user may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>The store, or one of its limits, is full.</summary>
    ResourceExhausted = 8,

    /// <summary>The present state forbids it.</summary>
    FailedPrecondition = 9,

    /// <summary>The revision asked for is compacted or in the future, or the sequence number is past.</summary>
    OutOfRange = 11,

    /// <summary>The cluster found its members to differ.</summary>
    DataLoss = 15,

    /// <summary>The token stands for nobody.</summary>
    Unauthenticated = 16,
}

/// <summary>A refusal: an expected answer, not an exception. Clients match kind and text, so both are etcd's.</summary>
/// <param name="Kind">What kind of refusal.</param>
/// <param name="Message">etcd's text, with its prefix; of what etcd does not have, our own.</param>
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

    /// <summary>A grant of an id that is in use.</summary>
    public static readonly StoreError LeaseExists = new(StoreErrorKind.FailedPrecondition, Prefix + "lease already exists");

    /// <summary>A time to live above etcd's bound.</summary>
    public static readonly StoreError LeaseTtlTooLarge = OutOfRange("too large lease TTL");

    /// <summary>A put while the alarm NOSPACE is active.</summary>
    public static readonly StoreError NoSpace = new(StoreErrorKind.ResourceExhausted, Prefix + "mvcc: database space exceeded");

    /// <summary>A write or compaction while the alarm CORRUPT is active.</summary>
    public static readonly StoreError CorruptCluster = new(StoreErrorKind.DataLoss, Prefix + "corrupt cluster");

    /// <summary>A target for a downgrade that is no version.</summary>
    public static readonly StoreError WrongDowngradeVersion = Invalid("wrong downgrade target version format");

    /// <summary>A target for a downgrade that is not the minor version before.</summary>
    public static readonly StoreError InvalidDowngradeTarget = Invalid("invalid downgrade target version");

    /// <summary>One downgrade at a time.</summary>
    public static readonly StoreError DowngradeInProgress =
        new(StoreErrorKind.FailedPrecondition, Prefix + "cluster has a downgrade job in progress");

    /// <summary>There is no downgrade to cancel.</summary>
    public static readonly StoreError NoDowngrade = new(StoreErrorKind.FailedPrecondition, Prefix + "no inflight downgrade job");

    /// <summary>The session has expired, was closed, or never was. This attempt had no effect; earlier ones may have had.</summary>
    public static readonly StoreError SessionNotFound =
        new(StoreErrorKind.NotFound, SessionPrefix + "session not found: it expired, was closed or never was");

    /// <summary>The client said itself that it has the answer, so it was forgotten. This attempt had no effect.</summary>
    public static readonly StoreError SequenceAcknowledged =
        new(StoreErrorKind.OutOfRange, SessionPrefix + "sequence number was acknowledged before, its answer is forgotten");

    /// <summary>A stamp that says nothing: a zero, or the request's own number acknowledged.</summary>
    public static readonly StoreError InvalidStamp = new(
        StoreErrorKind.InvalidArgument, SessionPrefix + "session and sequence must not be 0, and acknowledged must be below sequence");

    /// <summary>The number belongs to a request of another kind.</summary>
    public static readonly StoreError SequenceReused =
        new(StoreErrorKind.InvalidArgument, SessionPrefix + "sequence number was used for another request");

    /// <summary>A time to live below zero.</summary>
    public static readonly StoreError InvalidTtl = new(StoreErrorKind.InvalidArgument, SessionPrefix + "ttl_ms must not be negative");

    /// <summary>As many sessions as there may be are open.</summary>
    public static readonly StoreError TooManySessions =
        new(StoreErrorKind.ResourceExhausted, SessionPrefix + "too many sessions are open: close some, or wait until they expire");

    /// <summary>The session's answers, or those of all, fill the space they may take. This attempt had no effect.</summary>
    public static readonly StoreError TooManyAnswers = new(
        StoreErrorKind.ResourceExhausted, SessionPrefix + "too many answers are kept: acknowledge those that have arrived and retry");

    private const string SessionPrefix = "raftserver: ";

    private const string Prefix = "etcdserver: ";

    /// <summary>It took effect, at this revision or before, but its answer was too large to be kept.</summary>
    public static StoreError AnswerTooLarge(long revision) => new(
        StoreErrorKind.AlreadyExists,
        string.Create(CultureInfo.InvariantCulture, $"{SessionPrefix}request took effect by revision {revision}, but its answer was too large to be kept"));

    private static StoreError Invalid(string text) => new(StoreErrorKind.InvalidArgument, Prefix + text);

    private static StoreError OutOfRange(string text) => new(StoreErrorKind.OutOfRange, Prefix + text);
}
