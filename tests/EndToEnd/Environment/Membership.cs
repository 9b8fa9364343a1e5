using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using Raft.Protocol.Etcd;

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>The members of one cluster: which pods there are now, a connection to each, and what they say of themselves.</summary>
internal sealed class Membership(KubernetesAccess kubernetes, string ns, string cluster)
{
    private readonly ConcurrentDictionary<string, MemberConnection> _connections = new();
    private readonly Lock _refreshing = new();
    private ClientIdentity? _identity;
    private Task _refresh = Task.CompletedTask;
    private volatile IReadOnlyList<MemberConnection> _reachable = [];
    private long _refreshedAt;

    /// <summary>
    /// The members whose pods are ready, as the client Service would offer them, by name. The answer is at most about half a
    /// second old; it is renewed in the background, so that asking never waits.
    /// </summary>
    public IReadOnlyList<MemberConnection> Reachable()
    {
        lock (_refreshing)
        {
            if (_refresh.IsCompleted && System.Environment.TickCount64 - _refreshedAt > 500)
            {
                _refreshedAt = System.Environment.TickCount64;
                _refresh = Task.Run(RefreshAsync);
            }
        }

        return _reachable;
    }

    /// <summary>What keeps the cluster from having that many members in order, in words; null: nothing.</summary>
    public async Task<string?> MissingAsync(int replicas, CancellationToken stop)
    {
        await RefreshAsync();
        var members = _reachable;
        if (members.Count != replicas)
            return $"{members.Count} ready pods";
        var leaders = new HashSet<ulong>();
        foreach (var member in members)
        {
            var listed = (await member.Members.MemberListAsync(new MemberListRequest(), cancellationToken: stop)).Members;
            if (!listed.Where(one => !one.IsLearner).Select(one => one.Name).Order().SequenceEqual(members.Select(one => one.Name).Order()))
                return $"{member.Name} lists {string.Join(", ", listed.Select(one => one.IsLearner ? $"{one.Name} (learner)" : one.Name))}";
            var status = await member.Maintenance.StatusAsync(new StatusRequest(), cancellationToken: stop);
            leaders.Add(status.Leader);
        }

        return leaders.Count == 1 && !leaders.Contains(0) ? null : "the members do not follow one leader";
    }

    /// <summary>The member that leads, by its own word.</summary>
    public async Task<MemberConnection> LeaderAsync()
    {
        await RefreshAsync();
        foreach (var member in _reachable)
        {
            var status = await member.Maintenance.StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow.AddSeconds(2));
            if (status.Leader == status.Header.MemberId)
                return member;
        }

        throw new InvalidOperationException($"no member of {cluster} leads");
    }

    public async Task<IList<V1Pod>> PodsAsync() =>
        (await kubernetes.Client.CoreV1.ListNamespacedPodAsync(ns, labelSelector: $"raft.io/cluster={cluster}")).Items;

    public async Task<string> NodeOfAsync(string pod) => (await kubernetes.Client.CoreV1.ReadNamespacedPodAsync(pod, ns)).Spec.NodeName;

    /// <summary>The cluster was deleted: the next one of that name has other certificates.</summary>
    public void Forget()
    {
        _reachable = [];
        _identity = null;
        foreach (var life in _connections.Keys)
        {
            if (_connections.TryRemove(life, out var connection))
                connection.Dispose();
        }
    }

    private static bool IsReady(V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is null && pod.Status?.PodIP is { Length: > 0 }
        && pod.Status.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) == true;

    private async Task RefreshAsync()
    {
        _identity ??= ClientIdentity.From(await kubernetes.Client.CoreV1.ReadNamespacedSecretAsync($"{cluster}-client-tls", ns));
        var ready = (await PodsAsync()).Where(IsReady).OrderBy(pod => pod.Name(), StringComparer.Ordinal).ToList();
        _reachable = [.. ready.Select(pod => _connections.GetOrAdd(Life(pod), _ => Connect(pod)))];
    }

    // A restarted container keeps its pod's address; a recreated pod has another uid, a restarted sandbox another address.
    private static string Life(V1Pod pod) => $"{pod.Uid()} {pod.Status.PodIP}";

    private MemberConnection Connect(V1Pod pod) =>
        new(pod, $"{pod.Name()}.{cluster}-peers.{ns}.svc", _identity, kubernetes.Dialer);
}
