using System.Collections.Immutable;
using Grpc.Core;
using Raft.Operator.Api;
using Raft.Operator.Effects.Kubernetes;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Observation;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Operator.Effects.Members;

/// <summary>
/// Changes of membership and leadership. The list is read first each time: a request that was carried out although its answer
/// was lost is recognised by identity or peer URL, and not made again.
/// </summary>
public sealed class MembershipExecutor(MemberClients clients, MemberObserver observer, ClusterObserver kubernetes)
{
    private static readonly TimeSpan ChangeMax = TimeSpan.FromSeconds(10);

    /// <summary>The members, by the cluster's own word.</summary>
    /// <exception cref="StepRefusedException">Nobody can say.</exception>
    public async Task<ImmutableArray<MemberRecord>> ListAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        var (_, records) = await ConnectAsync(cluster, cancellationToken).ConfigureAwait(false);
        return records;
    }

    /// <summary>Gives a waiting member its identity, or finds that it has it.</summary>
    public async Task InitializeAsync(RaftCluster cluster, Step.InitializeMember step, string address, CancellationToken cancellationToken)
    {
        var request = new InitializeRequest
        {
            ClusterId = step.ClusterId.Value,
            MemberId = step.MemberId.Value,
            FormNewCluster = step.FormNewCluster,
        };
        if (!step.FormNewCluster)
        {
            var records = await ListAsync(cluster, cancellationToken).ConfigureAwait(false);
            if (records.All(record => record.Id != step.MemberId)) throw new StepRefusedException($"member {step.MemberId} is not listed");
            request.Members.AddRange(records.Select(Message));
        }

        var credentials = await clients.CredentialsOfAsync(cluster, cancellationToken).ConfigureAwait(false);
        var client = clients.Of(cluster, step.Pod, address, credentials);
        await client.Bootstrap.InitializeAsync(request, deadline: DateTime.UtcNow + ChangeMax, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Adds a learner, unless one with its peer URL is listed.</summary>
    public async Task AddLearnerAsync(RaftCluster cluster, Step.AddLearner step, CancellationToken cancellationToken)
    {
        var (client, records) = await ConnectAsync(cluster, cancellationToken).ConfigureAwait(false);
        if (records.Any(record => record.PeerUrls.Contains(step.PeerUrl))) return;
        await client.Cluster.MemberAddAsync(
            new MemberAddRequest { PeerURLs = { step.PeerUrl }, IsLearner = true },
            deadline: DateTime.UtcNow + ChangeMax, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives a learner its vote, unless it has it.</summary>
    public async Task PromoteAsync(RaftCluster cluster, Step.PromoteLearner step, CancellationToken cancellationToken)
    {
        var (client, records) = await ConnectAsync(cluster, cancellationToken).ConfigureAwait(false);
        if (records.FirstOrDefault(record => record.Id == step.MemberId) is not { IsLearner: true }) return;
        await client.Cluster.MemberPromoteAsync(
            new MemberPromoteRequest { ID = step.MemberId.Value },
            deadline: DateTime.UtcNow + ChangeMax, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a member, unless it is gone.</summary>
    public async Task RemoveAsync(RaftCluster cluster, Step.RemoveMember step, CancellationToken cancellationToken)
    {
        var (client, records) = await ConnectAsync(cluster, cancellationToken).ConfigureAwait(false);
        if (records.All(record => record.Id != step.MemberId)) return;
        try
        {
            await client.Cluster.MemberRemoveAsync(
                new MemberRemoveRequest { ID = step.MemberId.Value },
                deadline: DateTime.UtcNow + ChangeMax, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound)
        {
        }
    }

    /// <summary>Asks the leader, and only the leader, to hand over.</summary>
    public async Task MoveLeaderAsync(RaftCluster cluster, Step.MoveLeader step, CancellationToken cancellationToken)
    {
        var credentials = await clients.CredentialsOfAsync(cluster, cancellationToken).ConfigureAwait(false);
        var pods = await kubernetes.PodsAsync(ClusterNames.Of(cluster), cancellationToken).ConfigureAwait(false);
        if (pods.FirstOrDefault(pod => pod.Name == step.FromPod)?.Ip is not { } address)
            throw new StepRefusedException($"pod {step.FromPod} has no address");
        await clients.Of(cluster, step.FromPod, address, credentials).Maintenance.MoveLeaderAsync(
            new MoveLeaderRequest { TargetID = step.To.Value },
            deadline: DateTime.UtcNow + ChangeMax, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A member that knows a leader, to which it forwards what it cannot do itself, and the list of now.</summary>
    private async Task<(MemberClient Client, ImmutableArray<MemberRecord> Records)> ConnectAsync(RaftCluster cluster, CancellationToken cancellationToken)
    {
        var credentials = await clients.CredentialsOfAsync(cluster, cancellationToken).ConfigureAwait(false);
        var pods = await kubernetes.PodsAsync(ClusterNames.Of(cluster), cancellationToken).ConfigureAwait(false);
        var problem = "no pod has an address";
        foreach (var pod in pods.Where(pod => pod is { Ip: not null, Terminating: false }).OrderByDescending(pod => pod.Ready).ThenBy(pod => pod.Ordinal))
        {
            if (await observer.ListAsync(cluster, [pod], credentials, cancellationToken).ConfigureAwait(false) is MemberList.Known known)
                return (clients.Of(cluster, pod.Name, pod.Ip!, credentials), known.Records);
            problem = $"{pod.Name} cannot list the members";
        }
        throw new StepRefusedException(problem);
    }

    private static Member Message(MemberRecord record)
    {
        var message = new Member { ID = record.Id.Value, Name = record.Name, IsLearner = record.IsLearner };
        message.PeerURLs.AddRange(record.PeerUrls);
        return message;
    }
}
