using Grpc.Core;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.DowngradeRequest.Types;

namespace Raft.Server.Tests;

/// <summary>Maintenance.Downgrade in etcd's words; an etcd 3.5 was asked the same (see tests/Differential).</summary>
public sealed class DowngradeTests
{
    [Fact]
    public async Task A_downgrade_is_seen_on_every_member_from_when_it_is_enabled_until_it_is_canceled()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        var (first, second) = (MaintenanceOf(cluster, leader), MaintenanceOf(cluster, follower));
        Assert.Equal("3.5.0", (await first.DowngradeAsync(Request(DowngradeAction.Validate, "3.4.0"))).Version);
        Assert.Equal(new DowngradeInfo(), (await second.StatusAsync(new())).DowngradeInfo);

        // Through a follower, so that its answer has a way to go.
        var enabled = await second.DowngradeAsync(Request(DowngradeAction.Enable, "3.4.7"));

        Assert.Equal("3.5.0", enabled.Version);
        Assert.NotEqual(0ul, enabled.Header.MemberId);
        await RefusedAsync(first, Request(DowngradeAction.Enable, "3.4.0"), StatusCode.FailedPrecondition, "etcdserver: cluster has a downgrade job in progress");
        await RefusedAsync(second, Request(DowngradeAction.Validate, "3.4.0"), StatusCode.FailedPrecondition, "etcdserver: cluster has a downgrade job in progress");
        Assert.Equal(new DowngradeInfo { Enabled = true, TargetVersion = "3.4.0" }, (await first.StatusAsync(new())).DowngradeInfo);
        Assert.Equal(new DowngradeInfo { Enabled = true, TargetVersion = "3.4.0" }, (await second.StatusAsync(new())).DowngradeInfo);
        using var http = new HttpClient();
        Assert.Contains("\"downgrade\":\"3.4.0\"", await http.GetStringAsync(follower.ClientUrl + "/version", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        // It is in nobody's way: etcd 3.5 itself would not start again.
        await follower.Process!.KillAsync();
        cluster.Start(follower, "new");
        await cluster.UntilReadyAsync(follower);
        await first.DowngradeAsync(Request(DowngradeAction.Cancel, ""));
        await RefusedAsync(second, Request(DowngradeAction.Cancel, ""), StatusCode.FailedPrecondition, "etcdserver: no inflight downgrade job");
        // Status tells what this member has applied, which may be less; a check waits for all of it.
        await second.DowngradeAsync(Request(DowngradeAction.Validate, "3.4.0"));
        Assert.False((await second.StatusAsync(new())).DowngradeInfo.Enabled);
        Assert.DoesNotContain("downgrade", await http.GetStringAsync(follower.ClientUrl + "/version", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_minor_version_before_can_be_gone_back_to()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var maintenance = MaintenanceOf(cluster, cluster.Members[0]);

        foreach (var version in new[] { "3.4", "3.4.0", "3.4.16", "03.04.00", "3.4.0-rc.1+build", "3.4.0-" })
        {
            await maintenance.DowngradeAsync(Request(DowngradeAction.Validate, version));
        }

        foreach (var version in new[] { "3.5.0", "3.5", "3.3.0", "3.6.0", "4.4.0", "2.4.0" })
        {
            await RefusedAsync(maintenance, Request(DowngradeAction.Enable, version), StatusCode.InvalidArgument, "etcdserver: invalid downgrade target version");
        }

        foreach (var version in new[] { "", "3", "junk", "v3.4.0", " 3.4.0", "3.4.0 ", "3.4.x", "3.4.0.0", "3.4-rc", "3.-4.0", "3.4.0-rc_1", "99999999999999999999.4.0", "3.4.0\n" })
        {
            await RefusedAsync(maintenance, Request(DowngradeAction.Validate, version), StatusCode.InvalidArgument, "etcdserver: wrong downgrade target version format");
        }

        await RefusedAsync(maintenance, Request((DowngradeAction)7, "3.4.0"), StatusCode.Unknown, "etcdserver: unknown method");
    }

    private static async Task RefusedAsync(Maintenance.MaintenanceClient maintenance, DowngradeRequest request, StatusCode code, string text)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => maintenance.DowngradeAsync(request).ResponseAsync);
        Assert.Equal((code, text), (refusal.StatusCode, refusal.Status.Detail));
    }

    private static DowngradeRequest Request(DowngradeAction action, string version) => new() { Action = action, Version = version };

    private static Maintenance.MaintenanceClient MaintenanceOf(LocalCluster cluster, LocalMember member) => new(cluster.Channel(member));
}
