namespace Raft.Fuzzing.Tests;

/// <summary>Something that reads bytes from outside.</summary>
internal interface IFuzzTarget
{
    /// <summary>Its folder in the corpus.</summary>
    string Name { get; }

    /// <summary>Bytes that one input may allocate on its thread, garbage included.</summary>
    long AllocationBytesMax { get; }

    /// <summary>Inputs as the real writer makes them: what mutation begins with.</summary>
    IEnumerable<(string Name, byte[] Input)> RealInputs();

    /// <summary>
    /// Feeds the input. Returns what came of it, as a word for the statistics; what is a documented refusal must be caught here,
    /// whatever else is thrown is a failure.
    /// </summary>
    string Run(byte[] input);
}

/// <summary>The code under test did what it must not do, without an exception of its own.</summary>
/// <param name="finding">What it did.</param>
internal sealed class FuzzFindingException(string finding) : Exception(finding);
