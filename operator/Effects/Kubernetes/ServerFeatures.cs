using k8s;
using KubeOps.KubernetesClient;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Effects.Kubernetes;

/// <summary>What this Kubernetes offers, asked once: a server that is upgraded serves the old version of what it had for long after.</summary>
public sealed class ServerFeatures(IKubernetesClient kubernetes)
{
    private volatile KubernetesFeatures? _known;

    /// <summary>The features, from discovery.</summary>
    public async Task<KubernetesFeatures> GetAsync(CancellationToken cancellationToken)
    {
        if (_known is { } known) return known;
        var groups = await kubernetes.ApiClient.Apis.GetAPIVersionsAsync(cancellationToken).ConfigureAwait(false);
        var policy = groups.Groups.FirstOrDefault(group => group.Name == "policy");
        return _known = new KubernetesFeatures(PolicyV1: policy?.Versions.Any(version => version.Version == "v1") == true);
    }
}
