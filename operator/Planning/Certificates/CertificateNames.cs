using System.Collections.Immutable;
using Raft.Operator.Api;

namespace Raft.Operator.Planning.Certificates;

/// <summary>Which Secrets hold which certificates.</summary>
public sealed record CertificateNames(string Authority, string Server, string Peer, string Client, bool Issued)
{
    /// <summary>The Secrets of <paramref name="cluster"/>: the user's own where the spec names them, else those the operator issues.</summary>
    public static CertificateNames Of(RaftCluster cluster)
    {
        var name = cluster.Metadata.Name;
        var tls = cluster.Spec.Tls;
        return tls is { ServerSecretName: { } server, PeerSecretName: { } peer, OperatorSecretName: { } client }
            ? new CertificateNames($"{name}-ca", server, peer, client, Issued: false)
            : new CertificateNames($"{name}-ca", $"{name}-server-tls", $"{name}-peer-tls", $"{name}-client-tls", Issued: true);
    }

    /// <summary>Secrets that must exist before a pod can start or be asked.</summary>
    public ImmutableArray<string> Leaves => [Server, Peer, Client];

    /// <summary>What clients call the members: each pod, the Service for clients, and this machine.</summary>
    public static ImmutableArray<string> ServerSubjects(RaftCluster cluster)
    {
        var names = ClusterNames.Of(cluster);
        var peers = $"{names.PeerService}.{names.Namespace}.svc";
        var client = names.ClientService;
        return Sorted(
        [
            $"*.{peers}", $"*.{peers}.cluster.local", peers,
            client, $"{client}.{names.Namespace}", $"{client}.{names.Namespace}.svc", $"{client}.{names.Namespace}.svc.cluster.local",
            "localhost", "127.0.0.1", "::1", .. cluster.Spec.Tls.ExtraSubjectNames ?? [],
        ]);
    }

    /// <summary>What members call each other.</summary>
    public static ImmutableArray<string> PeerSubjects(RaftCluster cluster)
    {
        var names = ClusterNames.Of(cluster);
        var peers = $"{names.PeerService}.{names.Namespace}.svc";
        return Sorted([$"*.{peers}", $"*.{peers}.cluster.local", peers]);
    }

    private static ImmutableArray<string> Sorted(IEnumerable<string> names) =>
        [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
