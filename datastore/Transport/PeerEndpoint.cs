using Grpc.Core;

namespace Raft.Transport;

/// <summary>
/// What is served to other members: nothing until the member is initialized, then this member's inbox. One for each process.
/// </summary>
public sealed class PeerEndpoint : IDisposable
{
    private readonly CancellationTokenSource _closed = new();
    private volatile Served? _served;

    /// <summary>Serves from now on.</summary>
    public void Serve(PeerOptions options, IPeerInbox inbox, PeerTransport transport) =>
        _served = new(options, inbox, transport, _closed.Token);

    /// <summary>
    /// Serves no more and ends the streams that are open, which would hold up the server's own shutdown: the member stops.
    /// </summary>
    public void Close()
    {
        _served = null;
        _closed.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose() => _closed.Dispose();

    /// <summary>How long a connection may take to say what it is for: whoever opens many and says nothing must not hold them.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    internal CancellationToken Closed => _closed.Token;

    internal Served? Current => _served;

    internal Served Require() =>
        _served ?? throw new RpcException(new(StatusCode.Unavailable, "this member has not been started in a cluster"));

    internal sealed record Served(PeerOptions Options, IPeerInbox Inbox, PeerTransport Transport, CancellationToken Closed);
}
