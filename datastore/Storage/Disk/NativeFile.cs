using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Raft.Storage.Disk;

/// <summary>
/// The system calls that .NET has no name for. FileStream.Flush(true) is an fsync; fdatasync spares the journal write for
/// the modification time, which halves the latency of a write into space that was allocated before.
/// </summary>
internal static partial class NativeFile
{
    private const int NoSpace = 28;
    private const int NotSupported = 95;
    private const int WouldBlock = 11;
    private const int Interrupted = 4;
    // O_RDONLY, O_DIRECTORY and O_CLOEXEC; the architectures disagree on the second.
    private const int ReadOnlyDirectory = 0x10000 | 0x80000;
    private const int ReadOnlyDirectoryArm64 = 0x4000 | 0x80000;
    private const int ReadWriteCreate = 0x2 | 0x40 | 0x80000; // O_RDWR | O_CREAT | O_CLOEXEC
    private const uint OwnerAndGroupWrite = 0b110_110_000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;

    /// <summary>Makes the content durable, and of the metadata what is needed to read it back.</summary>
    public static void SyncData(SafeFileHandle file, string path)
    {
        while (FDataSync(file) != 0)
        {
            ThrowUnlessInterrupted("fdatasync", path);
        }
    }

    /// <summary>Makes the names in a directory durable.</summary>
    public static void SyncDirectory(string path)
    {
        var flags = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ReadOnlyDirectoryArm64 : ReadOnlyDirectory;
        using var directory = OpenFile(path, flags, 0);
        if (directory.IsInvalid)
        {
            throw Error("open", path, Marshal.GetLastPInvokeError());
        }

        while (FSync(directory) != 0)
        {
            ThrowUnlessInterrupted("fsync", path);
        }
    }

    /// <summary>Reserves space, so that a later write cannot fail for lack of it. File systems that cannot do so are let be.</summary>
    public static void Reserve(SafeFileHandle file, long lengthBytes, string path)
    {
        int error;
        do
        {
            error = FAllocate(file, 0, 0, lengthBytes) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        while (error == Interrupted);

        if (error == NotSupported)
        {
            RandomAccess.SetLength(file, lengthBytes);
        }
        else if (error != 0)
        {
            throw Error("fallocate", path, error);
        }
    }

    /// <summary>Opens or creates a file and locks it until the handle is closed. Null: another process has it.</summary>
    public static SafeFileHandle? TryOpenLocked(string path)
    {
        var file = OpenFile(path, ReadWriteCreate, OwnerAndGroupWrite);
        if (file.IsInvalid)
        {
            throw Error("open", path, Marshal.GetLastPInvokeError());
        }

        while (FLock(file, LockExclusive | LockNonBlocking) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == Interrupted)
            {
                continue;
            }

            file.Dispose();
            return error == WouldBlock ? null : throw Error("flock", path, error);
        }

        return file;
    }

    private static void ThrowUnlessInterrupted(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error != Interrupted)
        {
            throw Error(call, path, error);
        }
    }

    private static IOException Error(string call, string path, int error) =>
        new($"{call} of '{path}' failed: {Marshal.GetPInvokeErrorMessage(error)}{(error == NoSpace ? "; free space on the volume" : "")}.", error);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int FLock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenFile(string path, int flags, uint mode);
}
