using System.Diagnostics.CodeAnalysis;
using k8s;
using k8s.Models;

namespace KubeOps.Abstractions.Reconciliation;

/// <summary>What happened to an entity.</summary>
public enum ReconciliationType
{
    /// <summary>It was seen for the first time.</summary>
    Added,

    /// <summary>It, or something that it owns, changed.</summary>
    Modified,

    /// <summary>It is gone.</summary>
    Deleted,
}

/// <summary>Who asked for a reconciliation.</summary>
public enum ReconciliationTriggerSource
{
    /// <summary>A change that the API server told of.</summary>
    ApiServer,

    /// <summary>The operator itself: a requeue, a retry or a resync.</summary>
    Operator,
}

/// <summary>How a reconciliation ended.</summary>
public sealed record ReconciliationResult<TEntity>
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    private ReconciliationResult(TEntity entity, string? errorMessage, Exception? error, TimeSpan? requeueAfter)
    {
        Entity = entity;
        ErrorMessage = errorMessage;
        Error = error;
        RequeueAfter = requeueAfter;
    }

    /// <summary>The entity as it was last written.</summary>
    public TEntity Entity { get; }

    /// <summary>Whether all went well.</summary>
    [MemberNotNullWhen(false, nameof(ErrorMessage))]
    public bool IsSuccess => ErrorMessage is null;

    /// <summary>What went wrong, for people.</summary>
    public string? ErrorMessage { get; }

    /// <summary>What went wrong, if an exception did.</summary>
    public Exception? Error { get; }

    /// <summary>When to look again; null: when something changes (success) or with growing delays (failure).</summary>
    public TimeSpan? RequeueAfter { get; set; }

    /// <summary>All went well.</summary>
    public static ReconciliationResult<TEntity> Success(TEntity entity, TimeSpan? requeueAfter = null) =>
        new(entity, null, null, requeueAfter);

    /// <summary>Something went wrong; it is tried again.</summary>
    public static ReconciliationResult<TEntity> Failure(
        TEntity entity, string errorMessage, Exception? error = null, TimeSpan? requeueAfter = null) =>
        new(entity, errorMessage, error, requeueAfter);
}
