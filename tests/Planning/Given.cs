using k8s.Models;
using Raft.Operator.Api;

namespace Raft.Operator.Planning.Tests;

/// <summary>Resources to plan for.</summary>
internal static class Given
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public const string Uid = "cluster-uid";

    public static RaftCluster Cluster(int replicas = 3, string version = "1", Action<RaftClusterSpec>? change = null)
    {
        var spec = new RaftClusterSpec { Replicas = replicas, Version = version, Tls = new TlsSpec { Enabled = false } };
        change?.Invoke(spec);
        return new RaftCluster
        {
            Metadata = new V1ObjectMeta { Name = "store", NamespaceProperty = "space", Uid = Uid, Generation = 1 },
            Spec = spec,
            Status = new RaftClusterStatus(),
        };
    }
}
