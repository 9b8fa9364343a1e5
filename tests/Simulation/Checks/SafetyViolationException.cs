using Raft.Consensus;

namespace Raft.Simulation.Tests.Checks;

/// <summary>A promise of Raft is broken, named by the rule.</summary>
public sealed class SafetyViolationException : Exception
{
    public SafetyViolationException()
    {
    }

    public SafetyViolationException(string message)
        : base(message)
    {
    }

    public SafetyViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <param name="message">The rule, a colon, and what was seen instead.</param>
    /// <param name="member">Who broke it; null: it is nobody's alone.</param>
    /// <param name="innerException">What was thrown where it was seen.</param>
    public SafetyViolationException(string message, MemberId? member, Exception? innerException = null)
        : base(message, innerException) => Member = member;

    /// <summary>The member that broke it, where it is one member's.</summary>
    public MemberId? Member { get; }
}
