using System.Collections.Immutable;

namespace Raft.Linearizability;

/// <summary>What a client was answered.</summary>
/// <param name="Succeeded">Whether the request's comparisons held; true for a request without any.</param>
/// <param name="Revision">
/// The revision of the answer's header: the one that a write got, the store's at that moment for anything else; 0 if it is not known.
/// </param>
/// <param name="Results">One result a step of the branch that was taken, in its order.</param>
public sealed record Response(bool Succeeded, long Revision, ImmutableArray<StepResult> Results)
{
    /// <summary>To a single get: what was there, or <see cref="Observation.Absent"/>.</summary>
    public static Response Got(Observation seen, long revision = 0) => new(true, revision, [new StepResult(seen)]);

    /// <summary>To a single put; with the value that it replaced, if that was asked for.</summary>
    public static Response Put(long revision = 0, Observation? previous = null) => new(true, revision, [new StepResult(previous)]);

    /// <summary>To a single delete: whether there was anything to delete.</summary>
    public static Response Deleted(bool deleted, long revision = 0, Observation? previous = null) =>
        new(true, revision, [new StepResult(previous, deleted ? 1 : 0)]);

    /// <summary>To a compare-and-swap that took effect.</summary>
    public static Response Swapped(long revision = 0) => new(true, revision, [new StepResult(null)]);

    /// <summary>To a compare-and-swap that found something else.</summary>
    public static Response NotSwapped(Observation? found = null, long revision = 0) => new(false, revision, [new StepResult(found)]);

    /// <summary>Whether it says that the request changed the store, which gives it a revision of its own.</summary>
    public bool Wrote(Request request) =>
        request.Branch(Succeeded).Zip(Results).Any(part => part.First is Step.Put || (part.First is Step.Delete && part.Second.Deleted > 0));

    /// <inheritdoc/>
    public override string ToString()
    {
        var parts = Results.Select(result => result.ToString()).Where(text => text.Length > 0).Prepend(Succeeded ? "ok" : "not swapped");
        return string.Join(", ", parts) + (Revision > 0 ? $" at revision {Revision}" : "");
    }
}

/// <summary>What one step said.</summary>
/// <param name="Seen">The key right before the step, where the answer tells: what a get read, or the previous pair of a put or delete.</param>
/// <param name="Deleted">How many keys a delete removed: 0 or 1.</param>
public readonly record struct StepResult(Observation? Seen, long Deleted = 0)
{
    /// <inheritdoc/>
    public override string ToString() => Seen is { } seen ? $"saw {seen}" : Deleted > 0 ? "deleted" : "";
}

/// <summary>A key as a client saw it.</summary>
/// <param name="Value">The value, or null for an absent key.</param>
/// <param name="Version">How often it was put since it last was absent, if the answer told: what makes a write that took effect twice visible.</param>
/// <param name="ModRevision">The revision of its last change, if the answer told.</param>
public readonly record struct Observation(string? Value, long? Version = null, long? ModRevision = null)
{
    /// <summary>No such key.</summary>
    public static readonly Observation Absent = new(null, 0, 0);

    /// <inheritdoc/>
    public override string ToString() =>
        Value is null ? "nothing" : Value + (Version is { } version ? $" v{version}" : "") + (ModRevision is { } mod ? $" mod {mod}" : "");
}
