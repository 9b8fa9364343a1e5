using System.Collections.Immutable;
using System.Security.Cryptography;
using Grpc.Core;
using Raft.Operator.Api;
using Raft.Operator.Planning;
using Raft.Operator.Planning.Observation;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Operator.Effects.Members;

/// <summary>Asks the members: who is in the cluster, then each of them who and how it is.</summary>
/// <remarks>
/// The list comes first, on purpose: a member listed as started that afterwards says its disk is empty has really lost it. The
/// other way round it might have been started in between.
/// </remarks>
public sealed class MemberObserver(MemberClients clients)
{
    /// <summary>How long a member may take to answer before it counts as unreachable for this look.</summary>
    public static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2);

    /// <summary>Asks every pod that has an address.</summary>
    public async Task<(MemberList Members, ImmutableDictionary<string, MemberProbe> Probes)> ObserveAsync(
        RaftCluster cluster, IReadOnlyCollection<PodView> pods, CancellationToken cancellationToken)
    {
        MemberClients.Credentials credentials;
        try
        {
            credentials = await clients.CredentialsOfAsync(cluster, cancellationToken).ConfigureAwait(false);
        }
        catch (StepRefusedException refused)
        {
            return (new MemberList.Unknown(refused.Message), ImmutableDictionary<string, MemberProbe>.Empty);
        }

        var members = await ListAsync(cluster, pods, credentials, cancellationToken).ConfigureAwait(false);
        var probes = await Task.WhenAll(pods.Select(async pod =>
            (pod.Name, Probe: await ProbeAsync(cluster, pod, credentials, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);
        return (members, probes.ToImmutableDictionary(probe => probe.Name, probe => probe.Probe));
    }

    /// <summary>The member list by the first member that answers with a quorum's authority.</summary>
    public async Task<MemberList> ListAsync(
        RaftCluster cluster, IReadOnlyCollection<PodView> pods, MemberClients.Credentials credentials, CancellationToken cancellationToken)
    {
        if (ClusterId.Parse(cluster.Status?.ClusterId) is not { } clusterId) return new MemberList.Unknown("the cluster has no identity yet");
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var problem = "no pod has an address";
        var asked = pods.Where(pod => pod.Ip is not null).Select(pod => AskForListAsync(cluster, pod, clusterId, credentials, enough.Token)).ToList();
        await foreach (var answer in Task.WhenEach(asked).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            var list = await answer.ConfigureAwait(false);
            if (list is MemberList.Known)
            {
                await enough.CancelAsync().ConfigureAwait(false);
                return list;
            }
            problem = ((MemberList.Unknown)list).Reason;
        }
        return new MemberList.Unknown(problem);
    }

    private async Task<MemberList> AskForListAsync(
        RaftCluster cluster, PodView pod, ClusterId clusterId, MemberClients.Credentials credentials, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await clients.Of(cluster, pod.Name, pod.Ip!, credentials).Cluster.MemberListAsync(
                new MemberListRequest { Linearizable = true }, deadline: DateTime.UtcNow + AnswerMax, cancellationToken: cancellationToken).ConfigureAwait(false);
            return answer.Header?.ClusterId == clusterId.Value
                ? new MemberList.Known([.. answer.Members.Select(Record)])
                : new MemberList.Unknown($"{pod.Name} is in cluster {new ClusterId(answer.Header?.ClusterId ?? 0)}");
        }
        catch (Exception failure) when (IsNoAnswer(failure))
        {
            return new MemberList.Unknown($"{pod.Name}: {Brief(failure)}");
        }
    }

    private async Task<MemberProbe> ProbeAsync(
        RaftCluster cluster, PodView pod, MemberClients.Credentials credentials, CancellationToken cancellationToken)
    {
        if (pod.Ip is null) return new MemberProbe.Unreachable("the pod has no address yet");
        try
        {
            var client = clients.Of(cluster, pod.Name, pod.Ip, credentials);
            var identity = await client.Bootstrap.IdentityAsync(
                new IdentityRequest(), deadline: DateTime.UtcNow + AnswerMax, cancellationToken: cancellationToken).ConfigureAwait(false);
            return identity.State switch
            {
                IdentityResponse.Types.State.Awaiting => new MemberProbe.Awaiting(identity.Version),
                IdentityResponse.Types.State.Initialized => new MemberProbe.Initialized(
                    new ClusterId(identity.ClusterId), new MemberId(identity.MemberId), identity.Version,
                    await ReportAsync(client, cancellationToken).ConfigureAwait(false)),
                _ => new MemberProbe.Unreachable("the member did not say who it is"),
            };
        }
        catch (Exception failure) when (IsNoAnswer(failure))
        {
            return new MemberProbe.Unreachable(Brief(failure));
        }
    }

    private static async Task<MemberReport?> ReportAsync(MemberClient client, CancellationToken cancellationToken)
    {
        try
        {
            var status = await client.Maintenance.StatusAsync(
                new StatusRequest(), deadline: DateTime.UtcNow + AnswerMax, cancellationToken: cancellationToken).ConfigureAwait(false);
            return new MemberReport(
                status.Leader == 0 ? null : new MemberId(status.Leader), status.RaftTerm, status.RaftIndex, status.RaftAppliedIndex,
                status.IsLearner, [.. status.Errors]);
        }
        catch (Exception failure) when (IsNoAnswer(failure))
        {
            return null;
        }
    }

    /// <summary>A member as the operator's rules see it.</summary>
    public static MemberRecord Record(Member member) => new(new MemberId(member.ID), member.Name, [.. member.PeerURLs], member.IsLearner);

    // Credentials that cannot be read, or a peer that is none of ours, are no reason to stop looking at the others.
    private static bool IsNoAnswer(Exception failure) =>
        failure is RpcException or HttpRequestException or IOException or CryptographicException or ObjectDisposedException;

    private static string Brief(Exception failure) => failure is RpcException { StatusCode: var code, Status.Detail: var detail } ? $"{code}: {detail}" : failure.Message;
}
