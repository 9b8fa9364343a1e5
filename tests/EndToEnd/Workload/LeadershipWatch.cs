using Grpc.Core;
using Raft.EndToEnd.Tests.Environment;
using Raft.Protocol.Etcd;

namespace Raft.EndToEnd.Tests.Workload;

/// <summary>Counts leadership changes by asking every member, several times a second, which leader it knows in which term.</summary>
internal sealed class LeadershipWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(150);

    private readonly SortedDictionary<ulong, ulong> _leaderOfTerm = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;

    public LeadershipWatch(Func<IReadOnlyList<MemberConnection>> members) => _watching = Task.Run(() => WatchAsync(members));

    /// <summary>
    /// How often a term brought a leader after the first one seen. A term that ended before anyone was asked is not counted.
    /// </summary>
    public async Task<int> StopAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        return Math.Max(0, _leaderOfTerm.Count - 1);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task WatchAsync(Func<IReadOnlyList<MemberConnection>> members)
    {
        while (!_stopping.IsCancellationRequested)
        {
            foreach (var status in await Task.WhenAll(members().Select(StatusAsync)))
            {
                if (status is { Leader: not 0 })
                    _leaderOfTerm[status.RaftTerm] = status.Leader;
            }

            await Task.Delay(Interval, CancellationToken.None);
        }
    }

    private static async Task<StatusResponse?> StatusAsync(MemberConnection member)
    {
        try
        {
            return await member.Maintenance.StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow.AddMilliseconds(500));
        }
        catch (Exception failure) when (failure is RpcException or ObjectDisposedException)
        {
            return null;
        }
    }
}
