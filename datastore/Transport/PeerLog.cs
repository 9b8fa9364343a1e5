using Microsoft.Extensions.Logging;
using Raft.Consensus;

namespace Raft.Transport;

/// <summary>What Transport logs. Ids are stable.</summary>
internal static partial class PeerLog
{
    [LoggerMessage(3001, LogLevel.Information, "Connected to peer {Peer} at {Url} for {Lane}.")]
    public static partial void Connected(ILogger logger, MemberId peer, string lane, string url);

    [LoggerMessage(3002, LogLevel.Warning, "No connection to peer {Peer} for {Lane}: {Error}. Trying on.")]
    public static partial void Lost(ILogger logger, MemberId peer, string lane, string error);

    [LoggerMessage(3003, LogLevel.Warning, "Refused peer {Peer}: {Reason}.")]
    public static partial void Refused(ILogger logger, MemberId peer, string reason);

    [LoggerMessage(3004, LogLevel.Information, "Sent a snapshot of {Bytes} bytes to peer {Peer} in {Seconds} s.")]
    public static partial void SnapshotSent(ILogger logger, MemberId peer, long bytes, double seconds);

    [LoggerMessage(3005, LogLevel.Warning, "The snapshot for peer {Peer} could not be delivered: {Error}.")]
    public static partial void SnapshotNotSent(ILogger logger, MemberId peer, string error);

    [LoggerMessage(3006, LogLevel.Information, "Received a snapshot of {Bytes} bytes from peer {Peer}.")]
    public static partial void SnapshotReceived(ILogger logger, MemberId peer, long bytes);

    [LoggerMessage(3007, LogLevel.Warning, "A snapshot from peer {Peer} was given up: {Error}.")]
    public static partial void SnapshotGivenUp(ILogger logger, MemberId peer, string error);

    [LoggerMessage(3008, LogLevel.Warning, "Refused a connection from {Address}: {Reason}.")]
    public static partial void RefusedConnection(ILogger logger, string address, string reason);
}
