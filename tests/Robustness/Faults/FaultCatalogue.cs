using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Robustness.Tests.Testbed;
using Member = Raft.Robustness.Tests.Testbed.Member;

namespace Raft.Robustness.Tests.Faults;

/// <summary>All faults there are.</summary>
internal static class FaultCatalogue
{
    private const int ChangeSeconds = 30;

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("kill -9", hit => hit.Target.KillAsync(), hit => StartAgainAsync([hit.Target])),
        new("kill -9 of all at once", hit => Task.WhenAll(hit.Cluster.Members.Select(member => member.KillAsync())), hit => StartAgainAsync(hit.Cluster.Members)),
        new("SIGSTOP", hit => hit.Target.SuspendAsync(), hit => hit.Target.ResumeAsync()),
        new("SIGSTOP of all but one", hit => Task.WhenAll(hit.Others.Select(member => member.SuspendAsync())), hit => Task.WhenAll(hit.Others.Select(member => member.ResumeAsync()))),
        new("two-way partition", IsolateAsync, HealNetworkAsync),
        new("two-way partition of two members", PartAsync, HealNetworkAsync),
        new("one-way partition", IsolateOneWayAsync, HealNetworkAsync),
        new("partition from clients", hit => hit.Cluster.Network.DropClientsAsync(hit.Target.Index), HealNetworkAsync),
        new("slow link", hit => hit.Cluster.Network.SlowAsync(hit.Target.Index, 80 + (hit.Strength * 8)), HealNetworkAsync),
        new("lossy links", LoseAsync, HealNetworkAsync),
        new("full disk", FillDiskAsync, FreeDiskAsync),
        new("slow sync", hit => SetSyncDelay(hit, TimeSpan.FromMilliseconds(50 + (hit.Strength * 20))), hit => SetSyncDelay(hit, TimeSpan.Zero)),
        new("clock jump", hit => SetClock(hit, TimeSpan.FromSeconds(Math.Pow(1.2, hit.Strength % 80) * (hit.Strength % 2 == 0 ? 1 : -1))), hit => SetClock(hit, TimeSpan.Zero)),
        new("member added, another removed", AddAsync, RemoveAsync) { ChangesMembers = true },
        new("member replaced with a blank disk", RemoveAsync, AddAgainAsync) { ChangesMembers = true },
        new("leader moved", MoveLeaderAsync, MoveLeaderAsync),
        new("compaction", CompactAsync, CompactAsync),
    ];

    private static Task StartAgainAsync(IEnumerable<Member> members)
    {
        foreach (var member in members.Where(member => !member.IsRunning))
            member.Restart();
        return Task.CompletedTask;
    }

    private static async Task IsolateAsync(Victims hit)
    {
        foreach (var other in hit.Others)
        {
            await hit.Cluster.Network.DropAsync(hit.Target.Index, other.Index);
            await hit.Cluster.Network.DropAsync(other.Index, hit.Target.Index);
        }
    }

    private static async Task PartAsync(Victims hit)
    {
        var others = hit.Others.ToList();
        var other = others[hit.Strength % others.Count];
        await hit.Cluster.Network.DropAsync(hit.Target.Index, other.Index);
        await hit.Cluster.Network.DropAsync(other.Index, hit.Target.Index);
    }

    /// <summary>The target is not heard, or does not hear.</summary>
    private static async Task IsolateOneWayAsync(Victims hit)
    {
        foreach (var other in hit.Others)
            await (hit.Strength % 2 == 0 ? hit.Cluster.Network.DropAsync(hit.Target.Index, other.Index) : hit.Cluster.Network.DropAsync(other.Index, hit.Target.Index));
    }

    private static async Task LoseAsync(Victims hit)
    {
        foreach (var from in hit.Cluster.Members)
        {
            foreach (var to in hit.Cluster.Members.Where(to => to != from))
                await hit.Cluster.Network.LoseAsync(from.Index, to.Index, 1 + (hit.Strength / 4));
        }
    }

    private static async Task HealNetworkAsync(Victims hit)
    {
        foreach (var member in hit.Cluster.All)
            await hit.Cluster.Network.HealAsync(member.Index);
    }

    private static Task FillDiskAsync(Victims hit)
    {
        hit.Cluster.ExpectToEnd(hit.Target, true);
        return hit.Target.Disk.FillAsync();
    }

    private static Task FreeDiskAsync(Victims hit)
    {
        hit.Target.Disk.Free();
        return Task.CompletedTask;
    }

    private static Task SetSyncDelay(Victims hit, TimeSpan delay)
    {
        hit.Target.Shim.SyncDelay = delay;
        return Task.CompletedTask;
    }

    private static Task SetClock(Victims hit, TimeSpan offset)
    {
        hit.Target.Shim.ClockOffset = offset;
        return Task.CompletedTask;
    }

    private static Task AddAsync(Victims hit) => hit.Cluster.AddAsync(
        hit.Cluster.All.First(place => !hit.Cluster.Members.Contains(place)), Patience.OfSeconds(ChangeSeconds));

    private static Task RemoveAsync(Victims hit) =>
        hit.Cluster.Members.Contains(hit.Target) ? hit.Cluster.RemoveAsync(hit.Target, Patience.OfSeconds(ChangeSeconds)) : Task.CompletedTask;

    private static Task AddAgainAsync(Victims hit) =>
        hit.Cluster.Members.Contains(hit.Target) ? Task.CompletedTask : hit.Cluster.AddAsync(hit.Target, Patience.OfSeconds(ChangeSeconds));

    private static async Task MoveLeaderAsync(Victims hit)
    {
        if (await hit.Cluster.KnownLeaderAsync() is not { } leader || await TestCluster.StatusAsync(leader) is not { } status)
            return;
        foreach (var other in hit.Cluster.Members.Where(member => member != leader))
        {
            if (await TestCluster.StatusAsync(other) is not { IsLearner: false } known || known.Leader != status.Header.MemberId)
                continue;
            await leader.Maintenance.MoveLeaderAsync(new MoveLeaderRequest { TargetID = known.Header.MemberId }, deadline: TestCluster.Deadline(5));
            return;
        }
    }

    private static Task CompactAsync(Victims hit) => hit.Cluster.EverywhereAsync(Patience.OfSeconds(5), async member =>
    {
        try
        {
            var revision = (await TestCluster.StatusAsync(member))?.Header.Revision ?? 0;
            await member.KeyValue.CompactAsync(new CompactionRequest { Revision = revision }, deadline: TestCluster.Deadline(2));
        }
        catch (RpcException refusal) when (refusal.StatusCode == StatusCode.OutOfRange)
        {
            // Somebody compacted it before, or the member is behind others.
        }
    });
}
