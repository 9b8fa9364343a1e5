using Raft.EndToEnd.Tests.Environment;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>Any change of the pods' template rolls through the members one by one, the leader last.</summary>
public sealed class Upgrading(RunningCluster running) : IClassFixture<RunningCluster>
{
    private const string MissingTag = "does-not-exist";
    private readonly RaftClusterUnderTest _cluster = running.Cluster;
    private readonly EndToEndEnvironment _environment = running.Environment;

    [Fact]
    public async Task Another_image_tag_rolls_with_one_leadership_change_and_no_failed_write()
    {
        var outcome = await _cluster.UnderLoadAsync(
            "upgrade to another image tag",
            _ => UseVersionAsync(_environment.SecondTag),
            () => _cluster.SettledAsync(3, _environment.SecondTag));
        outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(1);
        await BackToFirstVersionAsync();
    }

    [Fact]
    public async Task A_changed_server_option_rolls_with_one_leadership_change_and_no_failed_write()
    {
        var snapshotCount = 5000 + Random.Shared.Next(1000);
        var outcome = await _cluster.UnderLoadAsync(
            "change a server option",
            _ => _cluster.PatchAsync($$"""{"serverOptions": {"snapshotCount": {{snapshotCount}} } }"""),
            () => _cluster.SettledAsync(3));
        outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(1);
        var pods = await _cluster.Membership.PodsAsync();
        Assert.All(pods, pod => Assert.Contains(
            pod.Spec.Containers[0].Args, argument => argument.Contains($"snapshot-count={snapshotCount}", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_bad_image_stops_at_the_first_pod_and_its_correction_is_always_possible()
    {
        var outcome = await _cluster.UnderLoadAsync(
            "a bad image, then the correction",
            async client =>
            {
                await UseVersionAsync(MissingTag);
                await Until.NothingIsMissingAsync("the operator's report of the bad image", TimeSpan.FromMinutes(2), async _ =>
                {
                    var degraded = RaftClusterUnderTest.Condition(await _cluster.ResourceAsync(), "Degraded");
                    return (string?)degraded?["status"] == "True" && await BadPodsAsync() == 1 ? null : $"{degraded?.ToJsonString()}";
                });
                await client.AcknowledgedAsync(500, TimeSpan.FromMinutes(1));
                Assert.Equal(1, await BadPodsAsync());
                await UseVersionAsync(_environment.FirstTag);
            },
            () => _cluster.SettledAsync(3));
        outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(1);
    }

    [Fact]
    public async Task An_upgrade_goes_on_where_it_was_when_the_operator_is_killed_in_the_middle()
    {
        var outcome = await _cluster.UnderLoadAsync(
            "kill the operator while upgrading",
            async _ =>
            {
                await UseVersionAsync(_environment.SecondTag);
                await _environment.Operator.KillWhileAsync(_cluster.SettledAsync(3, _environment.SecondTag), times: 3, TimeSpan.FromSeconds(5));
            },
            () => _cluster.SettledAsync(3, _environment.SecondTag));
        outcome.LostNothing().FailedNoWrite().ChangedLeaderAtMost(1);
        await BackToFirstVersionAsync();
    }

    private Task UseVersionAsync(string tag) => _cluster.PatchAsync($$"""{"version":"{{tag}}"}""");

    private async Task BackToFirstVersionAsync()
    {
        await UseVersionAsync(_environment.FirstTag);
        await _cluster.SettledAsync(3);
    }

    private async Task<int> BadPodsAsync() => (await _cluster.Membership.PodsAsync())
        .Count(pod => pod.Spec.Containers[0].Image.EndsWith(MissingTag, StringComparison.Ordinal));
}
