using System.Runtime.InteropServices;

namespace Raft.Storage.Rocks;

/// <summary>RocksDB refused; in its own words.</summary>
internal sealed class RocksException(string message) : IOException(message)
{
    /// <summary>Whether another process, or another part of this one, has the files. RocksDB has no code for it, only words.</summary>
    public bool IsInUse =>
        Message.Contains("While lock file", StringComparison.Ordinal) || Message.Contains("lock hold by", StringComparison.Ordinal);

    /// <summary>Throws if a call left an error behind, and frees it.</summary>
    public static void ThrowIf(nint error)
    {
        if (error != 0)
        {
            var message = Marshal.PtrToStringUTF8(error) ?? "no reason given";
            NativeRocks.Free(error);
            throw new RocksException(message);
        }
    }
}
