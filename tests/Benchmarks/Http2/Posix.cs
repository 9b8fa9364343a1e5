using System.Runtime.InteropServices;

namespace Raft.Benchmarks.Http2;

/// <summary>A socket's system calls, without what the class Socket adds to each.</summary>
internal static unsafe partial class Posix
{
    public const short Readable = 1;
    public const short Writable = 4;
    public const int WouldBlock = 11;

    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;

    /// <returns>How many are ready.</returns>
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(Watched* sockets, nuint count, int timeoutMs);

    /// <returns>Bytes; 0 when the other side has closed; -1 on an error.</returns>
    public static nint Receive(int socket, byte* bytes, nuint length) => Receive(socket, bytes, length, DoNotWait);

    /// <returns>Bytes; -1 on an error.</returns>
    public static nint Send(int socket, byte* bytes, nuint length) => Send(socket, bytes, length, DoNotWait | NoSignal);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int socket, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(int socket, byte* bytes, nuint length, int flags);

    [StructLayout(LayoutKind.Sequential)]
    public struct Watched
    {
        /// <summary>Below 0: not looked at.</summary>
        public int Socket;
        public short For;
        public short Found;
    }
}
