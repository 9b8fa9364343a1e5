using Raft.Operator.Api;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Effects;

/// <summary>Looks at everything that belongs to a RaftCluster.</summary>
public interface IClusterObserver
{
    /// <summary>One look. Members that do not answer are reported as such; if Kubernetes does not answer, this throws.</summary>
    Task<ClusterObservation> ObserveAsync(RaftCluster cluster, CancellationToken cancellationToken);
}

/// <summary>Carries out one step. A step that was carried out already is carried out again without harm.</summary>
public interface IStepExecutor
{
    /// <summary>Carries out <paramref name="step"/>; trouble that the next look will deal with is an outcome, not an exception.</summary>
    Task<StepOutcome> ExecuteAsync(RaftCluster cluster, Step step, CancellationToken cancellationToken);
}

/// <summary>Writes the status, but for the latch in it, which only steps write.</summary>
public interface IStatusWriter
{
    /// <summary>Writes <paramref name="status"/> if it says anything new. True if it was written.</summary>
    Task<bool> WriteAsync(RaftCluster cluster, RaftClusterStatus status, CancellationToken cancellationToken);
}

/// <summary>How a step went.</summary>
/// <param name="Problem">What went wrong; null if nothing did.</param>
public sealed record StepOutcome(string? Problem)
{
    /// <summary>The step was carried out.</summary>
    public static readonly StepOutcome Done = new((string?)null);

    /// <summary>Whether the step was carried out.</summary>
    public bool Succeeded => Problem is null;
}

/// <summary>A step that must not be carried out any more: what it was planned on has changed.</summary>
public sealed class StepRefusedException(string message) : Exception(message);
