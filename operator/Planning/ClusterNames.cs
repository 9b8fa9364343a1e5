using System.Globalization;
using Raft.Operator.Api;

namespace Raft.Operator.Planning;

/// <summary>How everything that belongs to one RaftCluster is called. Names are the contract between operator, pods and people.</summary>
public sealed record ClusterNames(string Cluster, string Namespace)
{
    /// <summary>The claim template's name; claims are called data-CLUSTER-ORDINAL.</summary>
    public const string ClaimTemplate = "data";

    /// <summary>Port on which clients are served.</summary>
    public const int ClientPort = 2379;

    /// <summary>Port on which members talk to each other.</summary>
    public const int PeerPort = 2380;

    /// <summary>Port of health, readiness and metrics, plain HTTP.</summary>
    public const int MetricsPort = 2381;

    /// <summary>Name of the container that runs the server.</summary>
    public const string Container = "raft";

    /// <summary>The names of <paramref name="cluster"/>.</summary>
    public static ClusterNames Of(RaftCluster cluster) => new(cluster.Metadata.Name, cluster.Metadata.NamespaceProperty);

    /// <summary>StatefulSet, ServiceAccount and PodDisruptionBudget carry the cluster's own name.</summary>
    public string StatefulSet => Cluster;

    /// <summary>Headless Service that gives each pod its DNS name, ready or not.</summary>
    public string PeerService => $"{Cluster}-peers";

    /// <summary>Service for clients.</summary>
    public string ClientService => $"{Cluster}-client";

    /// <summary>Name of the pod, and of the member, with this ordinal.</summary>
    public string Pod(int ordinal) => string.Create(CultureInfo.InvariantCulture, $"{Cluster}-{ordinal}");

    /// <summary>Name of the volume claim of the pod with this ordinal.</summary>
    public string Claim(int ordinal) => $"{ClaimTemplate}-{Pod(ordinal)}";

    /// <summary>DNS name of a pod, which its certificates cover.</summary>
    public string Host(string pod) => $"{pod}.{PeerService}.{Namespace}.svc";

    /// <summary>The URL by which the member list knows the pod.</summary>
    public string PeerUrl(string pod, bool tls) =>
        string.Create(CultureInfo.InvariantCulture, $"{(tls ? "https" : "http")}://{Host(pod)}:{PeerPort}");

    /// <summary>Ordinal of a pod of this cluster, or null: -10 comes after -2, so names are never compared as text.</summary>
    public int? PodOrdinal(string pod) => Ordinal(pod, $"{Cluster}-");

    /// <summary>Ordinal of a volume claim of this cluster, or null.</summary>
    public int? ClaimOrdinal(string claim) => Ordinal(claim, $"{ClaimTemplate}-{Cluster}-");

    /// <summary>Ordinal of the pod that a peer URL of the member list points to, or null.</summary>
    public int? PeerUrlOrdinal(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri)) return null;
        var dot = uri.Host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && uri.Host[(dot + 1)..].StartsWith($"{PeerService}.{Namespace}.", StringComparison.Ordinal)
            ? PodOrdinal(uri.Host[..dot])
            : null;
    }

    private static int? Ordinal(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal)
            ? ordinal
            : null;
}

/// <summary>Labels and annotations by which objects are found and told apart.</summary>
public static class Labels
{
    /// <summary>Name of the cluster.</summary>
    public const string Cluster = "raft.io/cluster";

    /// <summary>UID of the RaftCluster: a cluster deleted and created again under one name is another one.</summary>
    public const string ClusterUid = "raft.io/cluster-uid";

    /// <summary>
    /// Names of the annotations that the spec gives an object, sorted: without it nobody would notice that the spec has dropped one.
    /// </summary>
    public const string GivenAnnotations = "raft.io/given-annotations";

    /// <summary>Hash of the pod template that a pod was made from.</summary>
    public const string TemplateHash = "raft.io/template-hash";

    /// <summary>On a volume claim: identity of the member whose data it holds, hexadecimal.</summary>
    public const string MemberId = "raft.io/member-id";

    /// <summary>
    /// On a volume claim: a learner was, or was about to be, added for this very claim. A learner that has not started is told
    /// who it is only on such a claim: on a newer one it might have lived, and acknowledged entries, on the one before.
    /// </summary>
    public const string Joining = "raft.io/joining";

    /// <summary>What every object of the cluster carries, and pods are selected by.</summary>
    public static Dictionary<string, string> Selector(ClusterNames names) => new()
    {
        ["app.kubernetes.io/name"] = "raft",
        ["app.kubernetes.io/instance"] = names.Cluster,
        ["app.kubernetes.io/component"] = "datastore",
    };

    /// <summary>All labels of an object of <paramref name="cluster"/>.</summary>
    public static Dictionary<string, string> All(RaftCluster cluster)
    {
        var names = ClusterNames.Of(cluster);
        return new(Selector(names))
        {
            ["app.kubernetes.io/managed-by"] = "raft-operator",
            [Cluster] = names.Cluster,
            [ClusterUid] = cluster.Metadata.Uid,
        };
    }

    /// <summary>The selector as text, as lists and the scale subresource want it.</summary>
    public static string SelectorText(ClusterNames names) =>
        string.Join(',', Selector(names).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"));
}
