using System.Net.Security;
using Raft.Consensus;

namespace Raft.Transport;

/// <summary>Settings of the way to the other members.</summary>
public sealed record PeerOptions
{
    /// <summary>The cluster: members of another are refused, and refuse us.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>This member.</summary>
    public required MemberId Self { get; init; }

    /// <summary>Who can be reached where, until the member's own state tells: needed by a member that joins.</summary>
    public IReadOnlyDictionary<MemberId, IReadOnlyList<string>> InitialPeers { get; init; } =
        new Dictionary<MemberId, IReadOnlyList<string>>();

    /// <summary>
    /// How to call a member whose URL is https: asked for each new connection, so that certificates are used as they are at that
    /// moment. The name to check is filled in by Transport.
    /// </summary>
    public Func<SslClientAuthenticationOptions> ClientTls { get; init; } = static () => new();

    /// <summary>Messages that wait for one member; what comes on top is dropped.</summary>
    public int QueuedMessagesMax { get; init; } = 4096;

    /// <summary>Bytes of entries that wait for one member; what comes on top is dropped.</summary>
    public long QueuedBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bytes of entries that go into one frame if there is more than one message.</summary>
    public int FrameBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Bytes of one frame that is accepted. Above the largest request that clients may send.</summary>
    public int ReceivedFrameBytesMax { get; init; } = 256 * 1024 * 1024;

    /// <summary>Bytes of answers to forwarded requests that wait for one member; what comes on top is refused. One always may.</summary>
    public long UnsentAnswerBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Such answers that wait for one member, refusals among them; above, its connection is ended.</summary>
    public int UnsentAnswersMax { get; init; } = 100_000;

    /// <summary>Bytes of a snapshot chunk. Sender and receiver hold a few of them at a time.</summary>
    public int SnapshotChunkBytes { get; init; } = 256 * 1024;

    /// <summary>How long to try to connect.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>First pause after a failed connection. Doubles up to <see cref="BackoffMax"/>, less a random part.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest pause between attempts. Ended early when the other member calls.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Silence after which a connection is probed.</summary>
    public TimeSpan KeepAliveDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time for a probe to come back before the connection counts as dead.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a request that is forwarded to the leader may take.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>Time without any progress after which a snapshot transfer is given up, by either side.</summary>
    public TimeSpan SnapshotIdleTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
