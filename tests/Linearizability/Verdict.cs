using System.Text;

namespace Raft.Linearizability;

/// <summary>What a checker found.</summary>
public abstract record Verdict
{
    /// <summary>Some order explains the whole history.</summary>
    public sealed record Holds : Verdict;

    /// <summary>None does.</summary>
    public sealed record Broken(Violation Violation) : Verdict
    {
        /// <inheritdoc/>
        public override string ToString() => Violation.ToString();
    }

    /// <summary>The search was given up before it found an order or had tried all: neither a pass nor a violation.</summary>
    public sealed record Undecided(string Why) : Verdict;

    private Verdict()
    {
    }
}

/// <summary>A broken promise, told so that a person can follow it.</summary>
/// <param name="Rule">The promise.</param>
/// <param name="Keys">The keys concerned.</param>
/// <param name="Explanation">What is wrong, in one sentence.</param>
/// <param name="Operations">The operations that show it, in the order of their invocation.</param>
public sealed record Violation(string Rule, IReadOnlyList<string> Keys, string Explanation, IReadOnlyList<Operation> Operations)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder($"{Rule} is broken for {string.Join(", ", Keys)}: {Explanation}");
        foreach (var operation in Operations)
            text.Append("\n  ").Append(operation);
        return text.ToString();
    }
}
