using System.Globalization;
using Raft.Node;
using Raft.Server.Membership;
using Raft.Server.Options;
using Raft.Storage;
using Raft.Storage.Disk;
using Raft.Storage.Log;
using Raft.Storage.Ordered;

namespace Raft.Server.Restore;

/// <summary>How a snapshot becomes a data directory.</summary>
/// <param name="Options">Name, data directory, peer URLs, first members and token.</param>
/// <param name="SnapshotPath">The file.</param>
/// <param name="SkipHashCheck">Take it whatever its SHA-256 says.</param>
/// <param name="RevisionBump">By how much the revision grows; above 0, all before it counts as compacted.</param>
internal sealed record RestoreSettings(ServerOptions Options, string SnapshotPath, bool SkipHashCheck, long RevisionBump);

/// <summary>
/// Makes a data directory of a snapshot: that of a first member of a new cluster, which has the snapshot's data. It is written beside
/// its place and gets its name at the end, so that no crash leaves half of one.
/// </summary>
internal static class SnapshotRestore
{
    private const string StagingSuffix = ".restoring";

    /// <returns>Who the member is, and its revision.</returns>
    /// <exception cref="SnapshotException">The snapshot is no good.</exception>
    /// <exception cref="DataDirectoryException">The directory is in use, or in the way.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static async Task<(MemberIdentity Identity, long Revision)> RunAsync(RestoreSettings settings)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(settings.Options.DataDirectory));
        RefuseExisting(target);
        using var snapshot = await SnapshotFile.OpenAsync(settings.SnapshotPath, settings.SkipHashCheck);
        var identity = IdentityOf(settings, snapshot);
        var staging = target + StagingSuffix;
        RemoveLeftOver(staging);
        try
        {
            var revision = await WriteAsync(staging, identity, snapshot, settings.RevisionBump);
            RefuseExisting(target);
            if (Directory.Exists(target))
            {
                Directory.Delete(target);
            }

            Directory.Move(staging, target);
            new RealDisk(Path.GetDirectoryName(target)!).SyncNames();
            return (identity, revision);
        }
        catch
        {
            RemoveLeftOver(staging);
            throw;
        }
    }

    /// <summary>
    /// As of a new cluster, but its ids follow from the snapshot and the bump too: they are new even where names, URLs and token are
    /// the old cluster's, and members that were not restored alike do not take each other for one cluster.
    /// </summary>
    private static MemberIdentity IdentityOf(RestoreSettings settings, SnapshotFile snapshot) => InitialIdentity.OfNewCluster(settings.Options with
    {
        InitialClusterToken = string.Create(
            CultureInfo.InvariantCulture, $"{settings.Options.InitialClusterToken} restored {snapshot.Sha256} {settings.RevisionBump}"),
    });

    private static async Task<long> WriteAsync(string staging, MemberIdentity identity, SnapshotFile snapshot, long revisionBump)
    {
        using var directory = DataDirectory.Open(staging);
        directory.Initialize(identity, new LogOptions());
        using var store = directory.OpenStore(new StoreOptions());
        using (var received = store.Begin())
        {
            await snapshot.UnpackAsync(received);
            store.Install(received);
        }

        try
        {
            return await InitialState.RestoreAsync(store, InitialIdentity.MembersOf(identity), revisionBump);
        }
        catch (InvalidDataException error)
        {
            throw new SnapshotException($"The snapshot cannot be restored: {error.Message}", error);
        }
    }

    private static void RefuseExisting(string target)
    {
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            throw new DataDirectoryException(
                DataDirectoryProblem.Unknown,
                $"--data-dir: '{target}' exists and is not empty. A snapshot is restored into a new directory: give another one, or move this one away.");
        }
    }

    /// <summary>Of an attempt that did not finish. What is no data directory, or in use, is left alone.</summary>
    private static void RemoveLeftOver(string staging)
    {
        if (Directory.Exists(staging))
        {
            DataDirectory.Open(staging).Dispose();
            Directory.Delete(staging, recursive: true);
        }
    }
}
