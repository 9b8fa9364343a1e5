using Microsoft.Win32.SafeHandles;
using Raft.Node.Ports;
using Raft.Storage.Disk;
using Raft.Storage.Log;
using Raft.Storage.Ordered;

namespace Raft.Storage;

/// <summary>
/// A member's data directory, held by this process alone while it is open.
/// <code>
/// lock          held with flock(2)
/// identity      who the member is; written last when it is initialized, never changed
/// log/          the write-ahead log
/// store/        the ordered store
/// staging/      snapshots on their way in or out; emptied at start
/// initializing  present only while the directory is being initialized: without an identity beside it, all but the lock is
///               the rest of an attempt that did not finish
/// </code>
/// </summary>
public sealed class DataDirectory : IDisposable
{
    private const string LockName = "lock";
    private const string InitializingName = "initializing";
    private const string LogName = "log";
    private const string StoreName = "store";
    private const string StagingName = "staging";

    // ext4 puts this one at the root of every volume; it is not ours, nor in our way.
    private static readonly HashSet<string> Ignored = ["lost+found", LockName, IdentityFile.Name + AtomicFile.TemporarySuffix];

    private readonly SafeFileHandle _lock;
    private readonly RealDisk _root;

    private DataDirectory(string path, SafeFileHandle lockFile)
    {
        Path = path;
        _lock = lockFile;
        _root = new RealDisk(path);
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Whose it is, or null if it is blank: waiting for <see cref="Initialize"/>.</summary>
    public MemberIdentity? Identity { get; private set; }

    /// <summary>Opens a directory, which is made if it does not exist, and finds out whose it is.</summary>
    /// <exception cref="DataDirectoryException">It cannot be used; nothing was changed.</exception>
    public static DataDirectory Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(path);
            var lockPath = System.IO.Path.Combine(path, LockName);
            var wasLockedBefore = File.Exists(lockPath);
            var lockFile = NativeFile.TryOpenLocked(lockPath)
                ?? throw new DataDirectoryException(
                    DataDirectoryProblem.InUse, $"The data directory '{path}' is in use by another process.");
            var directory = new DataDirectory(path, lockFile);
            try
            {
                directory.FindIdentity();
                return directory;
            }
            catch
            {
                if (!wasLockedBefore)
                {
                    File.Delete(lockPath);
                }

                directory.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not DataDirectoryException)
        {
            throw new DataDirectoryException(
                DataDirectoryProblem.Unreadable,
                $"The data directory '{path}' cannot be used: {error.Message} Check that it is a directory which user "
                + $"{Environment.UserName} may read and write.",
                error);
        }
    }

    /// <summary>Gives a blank directory its identity. Durable when it returns; after a crash before that, still blank.</summary>
    /// <exception cref="InvalidOperationException">It has an identity already.</exception>
    public void Initialize(MemberIdentity identity, LogOptions options)
    {
        if (Identity is not null)
        {
            throw new InvalidOperationException($"The data directory '{Path}' is initialized already.");
        }

        ArgumentOutOfRangeException.ThrowIfZero(identity.ClusterId);
        ArgumentOutOfRangeException.ThrowIfZero(identity.MemberId);
        AtomicFile.Write(_root, InitializingName, []);
        foreach (var name in new[] { LogName, StoreName, StagingName })
        {
            Empty(Sub(name));
        }

        SegmentedLog.Create(new RealDisk(Sub(LogName)), options, LogIdentityOf(identity));
        IdentityFile.Write(_root, identity); // from here on it is the member's
        _root.Delete(InitializingName);
        _root.SyncNames();
        Identity = identity;
    }

    /// <summary>Opens the log of an initialized directory.</summary>
    /// <exception cref="CorruptLogException">The log is damaged; nothing was changed.</exception>
    /// <exception cref="ForeignLogException">The log is another member's; nothing was changed.</exception>
    public (WriteAheadLog Log, RecoveredLog Recovered) OpenLog(LogOptions options) =>
        WriteAheadLog.Open(new RealDisk(Sub(LogName)), options, LogIdentityOf(RequireIdentity()));

    /// <summary>Opens the store of an initialized directory.</summary>
    /// <exception cref="StoreException">The store is damaged or cannot be opened.</exception>
    public RocksStore OpenStore(StoreOptions options)
    {
        RequireIdentity();
        Empty(Sub(StagingName));
        return RocksStore.Open(Sub(StoreName), Sub(StagingName), options);
    }

    /// <summary>Lets go of the directory. Close log and store first.</summary>
    public void Dispose() => _lock.Dispose();

    private void FindIdentity()
    {
        var names = _root.List();
        if (names.Contains(IdentityFile.Name))
        {
            Identity = IdentityFile.Read(_root);
            foreach (var name in new[] { LogName, StoreName })
            {
                if (!Directory.Exists(Sub(name)))
                {
                    throw new DataDirectoryException(
                        DataDirectoryProblem.Corrupt,
                        $"'{Sub(name)}' is missing, although the member was initialized. A member without its log may have voted "
                        + "for what it no longer knows: remove it from the cluster and add it again with an empty data directory. "
                        + "Nothing was changed.");
                }
            }
        }
        else if (!names.Contains(InitializingName)
            && names.Where(name => !Ignored.Contains(name) && name != InitializingName + AtomicFile.TemporarySuffix).ToList()
                is [var first, ..] unknown)
        {
            throw new DataDirectoryException(
                DataDirectoryProblem.Unknown,
                $"The data directory '{Path}' holds no identity file but {unknown.Count} other entries, such as '{first}'. It is "
                + "either no data directory or has lost its identity: point --data-dir elsewhere, or empty it if its data may go. "
                + "Nothing was changed.");
        }
    }

    private static void Empty(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        Directory.CreateDirectory(path);
    }

    private MemberIdentity RequireIdentity() =>
        Identity ?? throw new InvalidOperationException($"The data directory '{Path}' is not initialized.");

    private string Sub(string name) => System.IO.Path.Combine(Path, name);

    private static LogIdentity LogIdentityOf(MemberIdentity identity) => new(identity.ClusterId, new(identity.MemberId));
}
