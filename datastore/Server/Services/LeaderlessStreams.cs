using Grpc.Core;
using Raft.Consensus;
using Raft.Node;
using Raft.Server.Membership;
using Raft.Server.Options;

namespace Raft.Server.Services;

/// <summary>
/// Ends a stream of a client that sent <c>hasleader: true</c> once there has been no leader for three election timeouts, as etcd
/// does: the client then looks for a member that has one.
/// </summary>
internal sealed class LeaderlessStreams : IDisposable
{
    private const int ElectionTimeouts = 3;

    private readonly Timer _timer;
    private readonly TimeSpan _patience;
    private readonly Func<MemberId> _leader;
    private readonly CancellationTokenSource _ended;
    private TimeSpan _without;
    private volatile bool _hasEnded;

    private LeaderlessStreams(Func<MemberId> leader, TimeSpan electionTimeout, CancellationTokenSource ended)
    {
        (_leader, _ended) = (leader, ended);
        _patience = ElectionTimeouts * electionTimeout;
        _timer = new Timer(_ => Look(electionTimeout), null, electionTimeout, electionTimeout);
    }

    /// <returns>Null: the client did not ask for it.</returns>
    public static LeaderlessStreams? EndWithoutLeader(
        RunningMember member, ServerCallContext context, ServerOptions options, CancellationTokenSource ended) =>
        context.WantsLeader()
            ? new(() => member.Node.Status.Consensus.Leader, options.ElectionTimeout, ended)
            : null;

    /// <exception cref="RpcException">The stream was ended for want of a leader.</exception>
    public void ThrowIfEnded()
    {
        if (_hasEnded)
        {
            throw Refusals.ToStatus(NodeError.NoLeader);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Look(TimeSpan interval)
    {
        _without = _leader() == MemberId.None ? _without + interval : TimeSpan.Zero;
        if (_without < _patience || _hasEnded)
        {
            return;
        }

        _hasEnded = true;
        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The stream ended by itself at this moment.
        }
    }
}
