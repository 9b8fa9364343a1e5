using System.Net;
using System.Net.Sockets;

namespace Raft.Server.Tests;

/// <summary>
/// Ports for servers that the tests start: below those that the system gives to outgoing connections, one of which could
/// otherwise take a port between its choice and its use.
/// </summary>
internal static class FreePort
{
    private const int First = 10_000;
    private const int Count = 20_000;

    private static int _last = Random.Shared.Next(Count);

    /// <summary>A port that nobody listens on, and that this process gives nobody else.</summary>
    public static int Take()
    {
        while (true)
        {
            var port = First + (Interlocked.Increment(ref _last) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
            }
        }
    }
}
