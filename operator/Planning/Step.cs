using k8s;
using k8s.Models;
using Raft.Operator.Planning.Certificates;

namespace Raft.Operator.Planning;

/// <summary>
/// The one thing to do next, and why. A step is small, may be repeated, and is safe if the operator dies in the middle of it:
/// the next look decides anew.
/// </summary>
/// <param name="Reason">Why, in a sentence for people: it becomes an event and the message of a condition.</param>
public abstract record Step(string Reason)
{
    /// <summary>Whether the step changes anything; if not, it need not be told in an event.</summary>
    public virtual bool Changes => true;

    /// <summary>Apply an object, so that our fields are as given here and others keep theirs.</summary>
    public sealed record CreateOrUpdateObject(string Reason, IKubernetesObject<V1ObjectMeta> Target) : Step(Reason);

    /// <summary>Delete the budget of evictions, which is not asked for any more.</summary>
    public sealed record DeleteDisruptionBudget(string Reason, string Name, string Uid, bool PolicyV1) : Step(Reason);

    /// <summary>Delete the StatefulSet but leave its pods, so that it can be made again with another claim template.</summary>
    public sealed record RecreateStatefulSet(string Reason, string Name, string Uid) : Step(Reason);

    /// <summary>Set how many pods there are. Read the member list again first when this takes pods away.</summary>
    public sealed record ScaleStatefulSet(string Reason, string Name, string Uid, int Replicas) : Step(Reason);

    /// <summary>Write the identities of the cluster to come into the status, if none is there yet.</summary>
    public sealed record LatchClusterIdentity(string Reason, ClusterId ClusterId, MemberId FirstMemberId) : Step(Reason);

    /// <summary>Write into the status that the cluster exists: from now on no member can form one.</summary>
    public sealed record LatchBootstrapped(string Reason, ClusterId ClusterId, MemberId FirstMemberId) : Step(Reason);

    /// <summary>Note the identity on the claim, then give it to the waiting member on that pod.</summary>
    public sealed record InitializeMember(
        string Reason, string Pod, string PodUid, string Claim, string ClaimUid, ClusterId ClusterId, MemberId MemberId, bool FormNewCluster)
        : Step(Reason);

    /// <summary>Note on the claim that a member is to come, then add it without a vote. If one with this peer URL is listed, do nothing.</summary>
    public sealed record AddLearner(string Reason, string Pod, string PeerUrl, string Claim, string ClaimUid) : Step(Reason);

    /// <summary>Give a learner its vote.</summary>
    public sealed record PromoteLearner(string Reason, string Name, MemberId MemberId) : Step(Reason);

    /// <summary>Take a member out of the cluster. If it is not listed, there is nothing to do.</summary>
    public sealed record RemoveMember(string Reason, string Name, MemberId MemberId) : Step(Reason);

    /// <summary>Ask the leader to hand over to another member.</summary>
    public sealed record MoveLeader(string Reason, string FromPod, MemberId To, string ToName) : Step(Reason);

    /// <summary>Delete this very pod; its StatefulSet makes a new one. <paramref name="Force"/>: its node is lost and cannot confirm.</summary>
    public sealed record DeletePod(string Reason, string Name, string Uid, bool Force = false) : Step(Reason);

    /// <summary>Ask for a larger volume.</summary>
    public sealed record ResizeVolume(string Reason, string Name, string Uid, ResourceQuantity Size) : Step(Reason);

    /// <summary>Delete this very claim, and with it the data of a member that is no longer one.</summary>
    public sealed record DeleteVolumeClaim(string Reason, string Name, string Uid) : Step(Reason);

    /// <summary>Label the claim as this cluster's, owned by it if it is to be deleted together with it.</summary>
    public sealed record AdoptVolumeClaim(string Reason, string Name, string Uid, bool Owned) : Step(Reason);

    /// <summary>Make or change a Secret with certificates.</summary>
    public sealed record IssueCertificates(string Reason, CertificateTask Task) : Step(Reason);

    /// <summary>Look again after a while: something must happen first that is not ours to do.</summary>
    public sealed record Wait(string Reason, TimeSpan RequeueAfter) : Step(Reason)
    {
        /// <inheritdoc/>
        public override bool Changes => false;
    }

    /// <summary>All is as asked.</summary>
    public sealed record Nothing(string Reason = "all is as asked") : Step(Reason)
    {
        /// <inheritdoc/>
        public override bool Changes => false;
    }
}
