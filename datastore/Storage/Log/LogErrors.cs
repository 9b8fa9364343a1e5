using Raft.Consensus;

namespace Raft.Storage.Log;

/// <summary>Whose log it is. A log of another cluster or member is refused.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Member">The member.</param>
public readonly record struct LogIdentity(ulong ClusterId, MemberId Member);

/// <summary>
/// The log is damaged in a way that no crash explains. Nothing was changed: what is there may still help to find out why.
/// </summary>
/// <param name="file">The damaged file.</param>
/// <param name="offset">Where in it, in bytes.</param>
/// <param name="finding">What is wrong there.</param>
public sealed class CorruptLogException(string file, long offset, string finding) : IOException(
    $"The write-ahead log is corrupt: '{file}' at byte {offset}: {finding} Entries that were acknowledged may be lost, so this "
    + "member must not go on with it. Nothing was changed. Keep a copy of the data directory for inspection, check the disk, "
    + "then remove the member from the cluster and add it again with an empty data directory.")
{
    /// <summary>The damaged file.</summary>
    public string File { get; } = file;

    /// <summary>Where in it, in bytes.</summary>
    public long Offset { get; } = offset;
}

/// <summary>The log belongs to another cluster or member, or was written by a newer version.</summary>
/// <param name="message">What does not fit.</param>
public sealed class ForeignLogException(string message) : IOException(message);

/// <summary>
/// A write or sync failed, and the log takes nothing more until the process is started again: after a failed sync nobody
/// knows what is on disk, and a second sync that succeeds proves nothing (the kernel drops the dirty pages).
/// </summary>
/// <param name="cause">What failed.</param>
public sealed class LogFailedException(Exception cause) : IOException(
    $"The write-ahead log failed and takes nothing more: {cause.Message} Restart the member once the disk is healthy.", cause);
