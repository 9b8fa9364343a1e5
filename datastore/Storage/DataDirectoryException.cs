namespace Raft.Storage;

/// <summary>What is wrong with a data directory.</summary>
public enum DataDirectoryProblem
{
    /// <summary>It cannot be created, read or written.</summary>
    Unreadable,

    /// <summary>Another process has it.</summary>
    InUse,

    /// <summary>It holds something that is no data of ours.</summary>
    Unknown,

    /// <summary>Its files are damaged, or some are missing.</summary>
    Corrupt,

    /// <summary>It belongs to another cluster or member.</summary>
    Foreign,

    /// <summary>It was written by a newer version.</summary>
    NewerVersion,
}

/// <summary>A data directory that cannot be used. The message tells people what to do; nothing was changed.</summary>
public sealed class DataDirectoryException : IOException
{
    /// <summary>Says what is wrong and what to do.</summary>
    public DataDirectoryException(DataDirectoryProblem problem, string message, Exception? cause = null)
        : base(message, cause) => Problem = problem;

    /// <summary>The kind of problem.</summary>
    public DataDirectoryProblem Problem { get; }
}
