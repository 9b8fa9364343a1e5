using Raft.Consensus;
using Raft.Protocol.V1;

namespace Raft.Node.Ports;

/// <summary>Questions that a follower puts to the leader on behalf of its clients.</summary>
public interface IForwarder
{
    /// <summary>Has the leader carry out a request.</summary>
    /// <exception cref="ForwardingException">It did not get there, or its answer did not get back.</exception>
    Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation);

    /// <summary>Asks for the index that a linearizable read must wait for.</summary>
    /// <exception cref="ForwardingException">There was no answer.</exception>
    Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation);
}

/// <summary>A request could not be forwarded.</summary>
/// <param name="surelyNotDone">True: the request did not take effect and never will; it may be sent again.</param>
/// <param name="message">What happened.</param>
/// <param name="cause">What it came from.</param>
public sealed class ForwardingException(bool surelyNotDone, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>True: the request did not take effect and never will.</summary>
    public bool SurelyNotDone => surelyNotDone;
}
