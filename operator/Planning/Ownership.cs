using k8s;
using k8s.Models;

namespace Raft.Operator.Planning;

/// <summary>Who controls an object. A cluster deleted and created again under the same name is another owner.</summary>
public static class Ownership
{
    /// <summary>Whether the object is controlled by the RaftCluster with this UID.</summary>
    public static bool IsOurs(IKubernetesObject<V1ObjectMeta> target, string uid) => Controller(target)?.Uid == uid;

    /// <summary>Whether the object is controlled by somebody else, so that it must not be touched.</summary>
    public static bool IsForeign(IKubernetesObject<V1ObjectMeta> target, string uid) => Controller(target) is { } owner && owner.Uid != uid;

    private static V1OwnerReference? Controller(IKubernetesObject<V1ObjectMeta> target) =>
        target.Metadata?.OwnerReferences?.FirstOrDefault(owner => owner.Controller == true);
}
