using System.Collections.Immutable;
using Raft.Operator.Api;

namespace Raft.Operator.Planning.Certificates;

/// <summary>Which Secrets hold which certificates.</summary>
/// <param name="Authority">Signs for clients, and for members towards clients.</param>
/// <param name="PeerAuthority">
/// Signs for members towards each other. Whoever is let in as a member is believed everything, so it is another authority than
/// the one with which people may sign for their clients.
/// </param>
/// <param name="Server">What members show to clients.</param>
/// <param name="Peer">What members show each other.</param>
/// <param name="Client">What the operator shows to members.</param>
/// <param name="Issued">Whether the operator issues them.</param>
public sealed record CertificateNames(string Authority, string PeerAuthority, string Server, string Peer, string Client, bool Issued)
{
    /// <summary>The Secrets of <paramref name="cluster"/>: the user's own where the spec names them, else those the operator issues.</summary>
    public static CertificateNames Of(RaftCluster cluster)
    {
        var name = cluster.Metadata.Name;
        var tls = cluster.Spec.Tls;
        // NAME-peer-ca would be the first authority of a cluster called NAME-peer.
        var (authority, peerAuthority) = ($"{name}-ca", $"{name}-ca-peers");
        return tls is { ServerSecretName: { } server, PeerSecretName: { } peer, OperatorSecretName: { } client }
            ? new CertificateNames(authority, peerAuthority, server, peer, client, Issued: false)
            : new CertificateNames(authority, peerAuthority, $"{name}-server-tls", $"{name}-peer-tls", $"{name}-client-tls", Issued: true);
    }

    /// <summary>Secrets that must exist before a pod can start or be asked.</summary>
    public ImmutableArray<string> Leaves => [Server, Peer, Client];

    /// <summary>All Secrets that there are; the authorities' only if the operator issues certificates.</summary>
    public ImmutableArray<string> All => Issued ? [.. Leaves, Authority, PeerAuthority] : Leaves;

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
