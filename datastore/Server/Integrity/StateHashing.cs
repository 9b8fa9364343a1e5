using System.Diagnostics;
using Raft.KeyValue;
using Raft.Node;
using Raft.Protocol.V1;

namespace Raft.Server.Integrity;

/// <summary>
/// Hashes this member's state, for itself and for others: over a view, so that no write waits; on a thread of its own; one at a
/// time.
/// </summary>
internal sealed class StateHashing(Node.Node node) : IDisposable
{
    private const int BytesBetweenRests = 1 << 20;

    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>What a view can be hashed over.</summary>
    public static HashPoint PointOf(StoreView view) => new(view.Revision, view.CompactedRevision);

    /// <summary>Answers another member.</summary>
    public async Task<StateHashResponse> AnswerAsync(StateHashRequest request, CancellationToken cancellation)
    {
        var isCurrent = request.Linearizable && await IsCurrentAsync(cancellation);
        using var view = node.Store.OpenView();
        var (own, theirs) = (PointOf(view), new HashPoint(request.Revision, request.CompactRevision));
        var common = own.And(theirs);
        return new StateHashResponse
        {
            Revision = own.Revision,
            CompactRevision = own.CompactedRevision,
            Linearizable = isCurrent,
            Hash = common.IsEmpty ? 0 : await HashAsync(view, common, rests: true, cancellation),
        };
    }

    /// <summary>The hash of a part of a view.</summary>
    /// <param name="view">Stays open until the hash is there.</param>
    /// <param name="point">Not empty, and no more than the view shows.</param>
    /// <param name="rests">Whether to rest for as long as was worked, so that clients keep their share of processor and disk.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<uint> HashAsync(StoreView view, HashPoint point, bool rests, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            return await Task.Factory.StartNew(
                () => Hash(view, point, rests, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static uint Hash(StoreView view, HashPoint point, bool rests, CancellationToken cancellation)
    {
        var (bytes, since) = (0L, Stopwatch.GetTimestamp());
        return view.HashBetween(point.CompactedRevision, point.Revision, read =>
        {
            bytes += read;
            if (bytes < BytesBetweenRests)
            {
                return;
            }

            cancellation.ThrowIfCancellationRequested();
            if (rests)
            {
                cancellation.WaitHandle.WaitOne(Stopwatch.GetElapsedTime(since));
            }

            (bytes, since) = (0, Stopwatch.GetTimestamp());
        });
    }

    /// <summary>Waits until all is applied that is committed now; a learner, or a member without a leader, cannot say.</summary>
    private async Task<bool> IsCurrentAsync(CancellationToken cancellation)
    {
        try
        {
            await node.ReadBarrierAsync().WaitAsync(cancellation);
            return true;
        }
        catch (RequestRefusedException)
        {
            return false;
        }
    }
}
