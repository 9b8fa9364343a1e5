using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Raft.Consensus;

/// <summary>
/// Checks, in release builds too, what must hold whatever the network and the disks do. A member that finds its own state
/// broken stops rather than spreads it.
/// </summary>
public static class Invariant
{
    /// <summary>Throws if <paramref name="holds"/> is false.</summary>
    /// <exception cref="InvariantViolationException">The promise is broken: stop the member.</exception>
    public static void Holds(
        [DoesNotReturnIf(false)] bool holds,
        [InterpolatedStringHandlerArgument(nameof(holds))] ref BrokenPromise promise)
    {
        if (!holds)
        {
            throw new InvariantViolationException(promise.ToString());
        }
    }

    /// <summary>Throws if <paramref name="holds"/> is false.</summary>
    /// <exception cref="InvariantViolationException">The promise is broken: stop the member.</exception>
    public static void Holds([DoesNotReturnIf(false)] bool holds, string promise)
    {
        if (!holds)
        {
            throw new InvariantViolationException(promise);
        }
    }

    /// <summary>Text that is only put together when the promise is broken.</summary>
    [InterpolatedStringHandler]
    public ref struct BrokenPromise
    {
        private DefaultInterpolatedStringHandler _text;

        /// <summary>Called by the compiler.</summary>
        public BrokenPromise(int literalLength, int formattedCount, bool holds, out bool isNeeded)
        {
            isNeeded = !holds;
            _text = holds ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount);
        }

        /// <summary>Called by the compiler.</summary>
        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        /// <summary>Called by the compiler.</summary>
        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        /// <inheritdoc/>
        public override string ToString() => _text.ToStringAndClear();
    }
}

/// <summary>A promise of Raft is broken in this member. There is nothing to do but to stop it and look.</summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>Names the broken promise.</summary>
    public InvariantViolationException(string message)
        : base(message)
    {
    }

    /// <summary>Names the broken promise and what led to it.</summary>
    public InvariantViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>For the runtime's conventions.</summary>
    public InvariantViolationException()
    {
    }
}
