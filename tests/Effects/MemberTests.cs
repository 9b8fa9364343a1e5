using Grpc.Core;
using k8s.Models;
using Raft.Operator.Api;
using Raft.Operator.Effects.Kubernetes;
using Raft.Operator.Effects.Members;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Effects.Tests;

/// <summary>The operator's questions and orders to a real server over TLS, dialled by address and checked by name.</summary>
public sealed class MemberTests
{
    private static readonly ClusterId Id = new(0xc1);
    private static readonly MemberId First = new(0x1);

    [Fact]
    public async Task A_waiting_member_founds_a_cluster_when_told_and_members_come_and_go()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var cluster = new RaftCluster
        {
            Metadata = new V1ObjectMeta { Name = "store", NamespaceProperty = "space", Uid = "uid" },
            Spec = new RaftClusterSpec { Replicas = 1, Version = "1" },
            Status = new RaftClusterStatus { ClusterId = Id.ToString(), FirstMemberId = First.ToString() },
        };
        await using var process = new MemberProcess(cluster, "store-0", "127.0.0.77");
        using var kubernetes = new KnownObjects { Objects = { process.Client, Pod(process.Address) } };
        using var clients = new MemberClients(kubernetes, TimeProvider.System);
        var observer = new MemberObserver(clients);
        var membership = new MembershipExecutor(clients, observer, new ClusterObserver(kubernetes, new ServerFeatures(kubernetes), observer));
        var pod = PodView.From(Pod(process.Address), ClusterNames.Of(cluster), null)!;

        await Until(async () => await Probe() is MemberProbe.Awaiting);
        Assert.IsType<MemberList.Unknown>((await observer.ObserveAsync(cluster, [pod], cancellation)).Members);

        var step = new Step.InitializeMember("test", "store-0", "pod", "data-store-0", "claim", Id, First, FormNewCluster: true);
        await Twice(() => membership.InitializeAsync(cluster, step, process.Address, cancellation));
        await Until(async () => await Probe() is MemberProbe.Initialized { Status.Leader: { } leader } && leader == First);
        await Until(async () => (await membership.ListAsync(cluster, cancellation)) is [{ Name: "store-0", IsLearner: false }]);

        var add = new Step.AddLearner("test", "store-1", "https://store-1.store-peers.space.svc:2380", "data-store-1", "claim");
        await Twice(() => membership.AddLearnerAsync(cluster, add, cancellation));
        var learner = Assert.Single(await membership.ListAsync(cluster, cancellation), record => record.IsLearner);
        Assert.Equal((false, add.PeerUrl), (learner.Started, learner.PeerUrls[0]));

        var remove = new Step.RemoveMember("test", "store-1", learner.Id);
        await Twice(() => membership.RemoveAsync(cluster, remove, cancellation));
        Assert.Single(await membership.ListAsync(cluster, cancellation));

        async Task<MemberProbe> Probe() => (await observer.ObserveAsync(cluster, [pod], cancellation)).Probes["store-0"];

        // As the operator does it: an order whose answer is lost is given again, and one that was carried out changes nothing more.
        async Task Twice(Func<Task> order)
        {
            for (var attempt = 0; attempt < 2; attempt++)
                await Until(async () =>
                {
                    await order();
                    return true;
                });
        }

        async Task Until(Func<Task<bool>> condition)
        {
            var deadline = DateTime.UtcNow + TimeSpan.FromMinutes(3);
            while (!await Try(condition))
            {
                Assert.True(DateTime.UtcNow < deadline, $"{await Probe()}\n{process.Output}");
                await Task.Delay(50, cancellation);
            }
        }

        static async Task<bool> Try(Func<Task<bool>> condition)
        {
            try
            {
                return await condition();
            }
            catch (Exception notYet) when (notYet is StepRefusedException or RpcException)
            {
                return false;
            }
        }
    }

    private static V1Pod Pod(string address) => new()
    {
        Metadata = new V1ObjectMeta { Name = "store-0", Uid = "pod" },
        Spec = new V1PodSpec { Containers = [] },
        Status = new V1PodStatus { PodIP = address },
    };
}
