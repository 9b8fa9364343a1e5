using Grpc.Core;
using Raft.KeyValue;
using Raft.KeyValue.Auth;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Options;

namespace Raft.Server.Compaction;

/// <summary>What is compacted: a member's store.</summary>
internal interface ICompacted
{
    /// <summary>Whether this member is the one to do it.</summary>
    bool IsLeader { get; }

    /// <summary>Of the last change, and the one compacted to last.</summary>
    (long Current, long Compacted) Revisions { get; }

    /// <summary>Compacts, on all members.</summary>
    /// <returns>Why not, or null.</returns>
    Task<string?> CompactAsync(long revision);
}

/// <summary>
/// Compacts by itself what is older than wished (etcd: --auto-compaction-mode). Every member looks at its clock, but only the leader
/// proposes, so that members need not agree about the time.
/// </summary>
internal sealed class AutoCompaction(AutoCompactionPolicy policy, ICompacted store, TimeProvider time, ILogger logger)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>Runs until it is cancelled; ends at once if nobody wishes it.</summary>
    public static async Task RunAsync(
        AutoCompactionSettings settings, ICompacted store, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        if (AutoCompactionPolicy.Of(settings) is not { } policy)
        {
            return;
        }

        var compaction = new AutoCompaction(policy, store, time, logger);
        using var timer = new PeriodicTimer(policy.Interval, time);
        do
        {
            await compaction.LookAsync();
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    /// <summary>Does what is due now.</summary>
    public async Task LookAsync()
    {
        var now = time.GetElapsedTime(_start);
        var (current, compacted) = store.Revisions;
        policy.Observe(now, current);
        if (!store.IsLeader || policy.Due(now, current) is not { } revision)
        {
            return;
        }

        if (revision > compacted)
        {
            logger.AutoCompaction(revision);
            if (await store.CompactAsync(revision) is { } problem)
            {
                logger.AutoCompactionFailed(revision, problem);
                return;
            }
        }

        policy.Done(now);
    }
}

/// <summary>A running node's store.</summary>
internal sealed class CompactedNode(Node.Node node) : ICompacted
{
    public bool IsLeader => node.Status.IsLeader;

    public (long Current, long Compacted) Revisions
    {
        get
        {
            using var view = node.Store.OpenView();
            return (view.Revision, view.CompactedRevision);
        }
    }

    public async Task<string?> CompactAsync(long revision)
    {
        try
        {
            var result = await node.ProposeAsync(new Command
            {
                Compact = new CompactionRequest { Revision = revision },
                Identity = new AuthIdentity { User = AuthState.Root },
            });
            return result.Error is { } error && error != StoreError.Compacted ? error.Message : null;
        }
        catch (CommandRefusedException refusal)
        {
            // Leadership has moved, and the next leader refused it: it may have compacted as far by itself.
            return refusal.Error == StoreError.Compacted ? null : refusal.Error.Message;
        }
        catch (Exception error) when (error is RequestRefusedException or RpcException)
        {
            return error.Message;
        }
    }
}
