using System.Runtime.InteropServices;

namespace Raft.Storage.Rocks;

/// <summary>RocksDB refused; in its own words.</summary>
internal sealed class RocksException(string message) : IOException(message)
{
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
