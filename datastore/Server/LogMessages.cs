namespace Raft.Server;

/// <summary>What the process writes to its log, in one place, with ids that stay.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Information, "Member {Name} ({Version}, etcd API {ApiVersion}) starts in {Directory}.")]
    public static partial void Starting(this ILogger logger, string name, string version, string apiVersion, string directory);

    [LoggerMessage(2, LogLevel.Information, "The data directory is empty; waiting for raft.v1.Bootstrap/Initialize.")]
    public static partial void AwaitingIdentity(this ILogger logger);

    [LoggerMessage(3, LogLevel.Information, "This is member {Member:x} of cluster {Cluster:x}.")]
    public static partial void IdentityKnown(this ILogger logger, ulong member, ulong cluster);

    [LoggerMessage(4, LogLevel.Information, "Member {Leader} leads term {Term}.")]
    public static partial void LeaderKnown(this ILogger logger, string leader, ulong term);

    [LoggerMessage(5, LogLevel.Warning, "No leader is known in term {Term}.")]
    public static partial void LeaderLost(this ILogger logger, ulong term);

    [LoggerMessage(6, LogLevel.Information, "Leaving: {Outcome}.")]
    public static partial void Leaving(this ILogger logger, string outcome);

    [LoggerMessage(7, LogLevel.Critical, "The member cannot go on and stops.")]
    public static partial void Failed(this ILogger logger, Exception error);

    [LoggerMessage(8, LogLevel.Critical, "{Problem}")]
    public static partial void CannotStart(this ILogger logger, string problem);

    [LoggerMessage(9, LogLevel.Information, "Certificate {File} was renewed and is in use.")]
    public static partial void CertificateReloaded(this ILogger logger, string file);

    [LoggerMessage(10, LogLevel.Error, "Certificate {File} changed but cannot be used; the old one stays: {Problem}")]
    public static partial void CertificateNotReloaded(this ILogger logger, string file, string problem);

    [LoggerMessage(11, LogLevel.Warning, "The store has {Size} bytes, above the quota of {Quota}: raising the alarm NOSPACE.")]
    public static partial void QuotaExceeded(this ILogger logger, long size, long quota);

    [LoggerMessage(12, LogLevel.Warning, "Name and client URLs could not be published yet: {Problem}")]
    public static partial void NotPublished(this ILogger logger, string problem);

    [LoggerMessage(13, LogLevel.Critical, "Member {By} says that this member was removed from the cluster. It stops taking part.")]
    public static partial void RemovedFromCluster(this ILogger logger, string by);

    [LoggerMessage(14, LogLevel.Error, "{Method} failed for a reason that no client should meet.")]
    public static partial void CallFailed(this ILogger logger, string method, Exception error);

    [LoggerMessage(15, LogLevel.Warning, "A wrong password was given for user {User}.")]
    public static partial void WrongPassword(this ILogger logger, string user);

    [LoggerMessage(16, LogLevel.Information, "What this member holds at revision {Revision} was compared with {Answers} of {Others} other members before it serves.")]
    public static partial void ComparedAtStart(this ILogger logger, long revision, int answers, int others);

    [LoggerMessage(17, LogLevel.Critical, "Other members do not hold what this one and the majority hold: {Differing}.")]
    public static partial void OthersDiffer(this ILogger logger, string differing);

    [LoggerMessage(18, LogLevel.Warning, "What member {Member} holds could not be compared: {Problem}")]
    public static partial void NotCompared(this ILogger logger, string member, string problem);

    [LoggerMessage(19, LogLevel.Warning, "The check of all members for corruption was not finished: {Problem}")]
    public static partial void NotChecked(this ILogger logger, string problem);

    [LoggerMessage(20, LogLevel.Debug, "{Members} members hold the same at revision {Revision}.")]
    public static partial void MembersAgree(this ILogger logger, int members, long revision);

    [LoggerMessage(21, LogLevel.Critical,
        "Member {Member} says that it is at revision {Revision}, compacted at {Compacted}, which cannot be: this one is at {OwnRevision}, compacted at {OwnCompacted}.")]
    public static partial void ImpossibleState(this ILogger logger, string member, long revision, long compacted, long ownRevision, long ownCompacted);

    [LoggerMessage(22, LogLevel.Critical, "The data {Whose} is corrupt: the alarm CORRUPT stops all writes. {Differing}")]
    public static partial void CorruptionFound(this ILogger logger, string whose, string differing);

    [LoggerMessage(23, LogLevel.Information, "Compacting to revision {Revision}, as --auto-compaction-retention says.")]
    public static partial void AutoCompaction(this ILogger logger, long revision);

    [LoggerMessage(24, LogLevel.Warning, "Compacting to revision {Revision} failed and is tried again later: {Problem}")]
    public static partial void AutoCompactionFailed(this ILogger logger, long revision, string problem);

    [LoggerMessage(25, LogLevel.Warning, "The certificate {Subject} is refused: the authorities in {File} signed it, but it has none of the names that are allowed.")]
    public static partial void CertificateNotAllowed(this ILogger logger, string subject, string file);
}
