using System.Collections.Immutable;

namespace Raft.Linearizability;

/// <summary>
/// What a client asks: always a transaction as etcd knows it, of which a single get, put or delete is the simplest. All of
/// <see cref="Then"/> takes effect at one moment if every comparison holds at that moment, else all of <see cref="Else"/>.
/// </summary>
/// <param name="If">The comparisons; none always holds.</param>
/// <param name="Then">The steps if all comparisons hold.</param>
/// <param name="Else">The steps if one does not.</param>
public sealed record Request(ImmutableArray<Comparison> If, ImmutableArray<Step> Then, ImmutableArray<Step> Else)
{
    /// <summary>
    /// Whether this read is content with a member's own state, as etcd's serializable reads are: it may be stale, so that only
    /// <see cref="RevisionChecker"/> holds it to what it said its revision was.
    /// </summary>
    public bool IsSerializable { get; init; }

    /// <summary>The keys that it may read or change, each once.</summary>
    public IEnumerable<string> Keys =>
        If.Select(comparison => comparison.Key).Concat(Then.Select(step => step.Key)).Concat(Else.Select(step => step.Key)).Distinct();

    /// <summary>Reads one key.</summary>
    public static Request Get(string key) => Of(new Step.Get(key));

    /// <summary>Writes one key.</summary>
    public static Request Put(string key, string value) => Of(new Step.Put(key, value));

    /// <summary>Removes one key, if it is there.</summary>
    public static Request Delete(string key) => Of(new Step.Delete(key));

    /// <summary>Writes one key if it has a value, or, with null, if it is absent; else reads it.</summary>
    public static Request CompareAndSwap(string key, string? expected, string value) =>
        CompareAndSwap(expected is null ? new Comparison.Version(key, 0) : new Comparison.Value(key, expected), value);

    /// <summary>Writes one key if its last change was at a revision, or, with 0, if it is absent; else reads it.</summary>
    public static Request CompareAndSwap(string key, long modRevision, string value) =>
        CompareAndSwap(new Comparison.ModRevision(key, modRevision), value);

    /// <summary>The steps that a given result of the comparisons leads to.</summary>
    public ImmutableArray<Step> Branch(bool succeeded) => succeeded ? Then : Else;

    /// <inheritdoc/>
    public override string ToString()
    {
        var then = string.Join(", ", Then);
        var text = If.IsEmpty && Else.IsEmpty ? then : $"if {string.Join(" and ", If)} then {then} else {string.Join(", ", Else)}";
        return IsSerializable ? text + " (serializable)" : text;
    }

    private static Request Of(Step step) => new([], [step], []);

    private static Request CompareAndSwap(Comparison expected, string value) =>
        new([expected], [new Step.Put(expected.Key, value)], [new Step.Get(expected.Key)]);
}

/// <summary>One part of a request, on one key.</summary>
/// <param name="Key">The key.</param>
public abstract record Step(string Key)
{
    /// <summary>Reads a key.</summary>
    public sealed record Get(string Key) : Step(Key)
    {
        /// <inheritdoc/>
        public override string ToString() => $"get {Key}";
    }

    /// <summary>Writes a key. Checks say the most when every put of a history has a value of its own.</summary>
    public sealed record Put(string Key, string Value) : Step(Key)
    {
        /// <inheritdoc/>
        public override string ToString() => $"put {Key}={Value}";
    }

    /// <summary>Removes a key, if it is there.</summary>
    public sealed record Delete(string Key) : Step(Key)
    {
        /// <inheritdoc/>
        public override string ToString() => $"delete {Key}";
    }
}

/// <summary>A condition on one key, as etcd's <c>Compare</c> with <c>EQUAL</c>.</summary>
/// <param name="Key">The key.</param>
public abstract record Comparison(string Key)
{
    /// <summary>Holds if the key is there with this value.</summary>
    public sealed record Value(string Key, string Expected) : Comparison(Key)
    {
        /// <inheritdoc/>
        public override string ToString() => $"{Key}={Expected}";
    }

    /// <summary>Holds if the key was last changed at this revision; 0 stands for an absent key.</summary>
    public sealed record ModRevision(string Key, long Expected) : Comparison(Key)
    {
        /// <inheritdoc/>
        public override string ToString() => $"mod({Key})={Expected}";
    }

    /// <summary>Holds if the key was put this often since it last was absent; 0 stands for an absent key.</summary>
    public sealed record Version(string Key, long Expected) : Comparison(Key)
    {
        /// <inheritdoc/>
        public override string ToString() => $"version({Key})={Expected}";
    }
}
