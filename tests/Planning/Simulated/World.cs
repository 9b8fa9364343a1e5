using System.Collections.Immutable;
using k8s;
using k8s.Models;
using Raft.Operator.Api;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Tests.Simulated;

/// <summary>
/// A Kubernetes, a Raft cluster in it, and an operator that looks, plans and acts, in simulated time. Steps are carried out
/// with the same preconditions that the real executor has.
/// </summary>
internal sealed class World
{
    private readonly SafetyRules _safety;

    public World(int seed, RaftCluster cluster)
    {
        Random = new Random(seed);
        Cluster = cluster;
        Desired = new DesiredState(cluster);
        var names = ClusterNames.Of(cluster);
        Names = names;
        Kubernetes = new Kubernetes(Random, names);
        Raft = new RaftGroup(Random, Kubernetes, names);
        _safety = new SafetyRules(this);
    }

    public Random Random { get; }
    public RaftCluster Cluster { get; private set; }
    public DesiredState Desired { get; private set; }
    public ClusterNames Names { get; }
    public Kubernetes Kubernetes { get; }
    public RaftGroup Raft { get; }
    public List<string> Timeline { get; } = [];
    public List<Step> Steps { get; } = [];
    public int Plans { get; private set; }

    /// <summary>Of a hundred looks, how many miss the answer of some member that would have answered.</summary>
    public int MissedAnswers { get; set; }

    /// <summary>Changes the spec, as a user does.</summary>
    public void Change(Action<RaftClusterSpec> change)
    {
        change(Cluster.Spec);
        Cluster.Metadata.Generation++;
        Desired = new DesiredState(Cluster);
        ShareEqualObjects();
        Log($"spec: {Cluster.Spec.Replicas} x {Cluster.Spec.Version} hold={Cluster.Spec.Updates.Hold} {Cluster.Spec.Storage.Retention.WhenScaled}");
    }

    /// <summary>What is equal anyway becomes one object, so that comparing takes no time; what differs stays different.</summary>
    private void ShareEqualObjects()
    {
        if (Kubernetes.StatefulSet is { } set && Objects.TemplateHash.Of(set.Spec.Template) == Objects.TemplateHash.Of(Desired.Template))
            set.Spec.Template = Desired.Template;
        IKubernetesObject<V1ObjectMeta>[] fixedObjects = [Desired.ServiceAccount, Desired.PeerService, Desired.ClientService];
        foreach (var fresh in fixedObjects)
            if (Kubernetes.Objects.FindIndex(other => other.GetType() == fresh.GetType() && other.Metadata.Name == fresh.Metadata.Name) is >= 0 and var index)
                Kubernetes.Objects[index] = fresh;
    }

    public ClusterObservation Observe()
    {
        var list = Miss() ? new MemberList.Unknown("timeout") : Raft.List();
        return new ClusterObservation
        {
            StatefulSet = Kubernetes.StatefulSet,
            Pods = [.. Kubernetes.Pods.Values.Select(Kubernetes.View)],
            Volumes = [.. Kubernetes.Claims.Values.Select(Kubernetes.View)],
            Probes = Kubernetes.Pods.Values.ToImmutableDictionary(
                pod => Names.Pod(pod.Ordinal), pod => Miss() ? new MemberProbe.Unreachable("timeout") : Raft.Probe(pod)),
            Members = list,
            Objects = [.. Kubernetes.Objects],
            FreshIdentity = new FreshIdentity(new ClusterId((ulong)Random.NextInt64(1, long.MaxValue)), NextMember()),
        };

        bool Miss() => MissedAnswers > 0 && Random.Next(100) < MissedAnswers;
    }

    private MemberId NextMember() => new((ulong)Random.NextInt64(1, long.MaxValue));

    /// <summary>Time goes by in the cluster.</summary>
    public void Tick()
    {
        Kubernetes.Now += TimeSpan.FromSeconds(1);
        Kubernetes.Tick();
        Raft.Tick();
    }

    /// <summary>Look and plan; the status is written unless the write is lost.</summary>
    public Plan Plan(RaftClusterStatus? staleStatus = null)
    {
        Plans++;
        var observation = Observe();
        _safety.Look();
        var desired = Desired;
        if (staleStatus is not null)
            desired = new DesiredState(new RaftCluster { Metadata = Cluster.Metadata, Spec = Cluster.Spec, Status = staleStatus });
        var plan = Planner.Plan(desired, observation, Kubernetes.Now);
        if (staleStatus is null) Write(plan.Status);
        _safety.Check(plan);
        return plan;
    }

    public static RaftClusterStatus Copy(RaftClusterStatus status) => new()
    {
        ClusterId = status.ClusterId,
        FirstMemberId = status.FirstMemberId,
        Bootstrapped = status.Bootstrapped,
        Members = status.Members,
        Conditions = status.Conditions,
        Phase = status.Phase,
        CurrentVersion = status.CurrentVersion,
    };

    private void Write(RaftClusterStatus derived)
    {
        // The latch belongs to another field manager: a derived status never carries it.
        var latch = Cluster.Status;
        derived.ClusterId = latch.ClusterId;
        derived.FirstMemberId = latch.FirstMemberId;
        derived.Bootstrapped = latch.Bootstrapped;
        Cluster.Status = derived;
    }

    /// <summary>Carries a step out, as the executor does: with live reads and preconditions.</summary>
    public void Execute(Step step)
    {
        if (step.Changes) Log($"{step.GetType().Name}: {step.Reason}");
        Steps.Add(step);
        switch (step)
        {
            case Step.CreateOrUpdateObject { Target: V1StatefulSet set }:
                Kubernetes.StatefulSet = set;
                set.Metadata.Uid ??= Kubernetes.NextUid();
                break;
            case Step.CreateOrUpdateObject apply:
                Kubernetes.Objects.RemoveAll(other => other.GetType() == apply.Target.GetType() && other.Metadata.Name == apply.Target.Metadata.Name);
                Kubernetes.Objects.Add(apply.Target);
                break;
            case Step.DeleteDisruptionBudget budget:
                Kubernetes.Objects.RemoveAll(other => other is V1PodDisruptionBudget && other.Metadata.Uid == budget.Uid);
                break;
            case Step.RecreateStatefulSet recreate when Kubernetes.StatefulSet?.Metadata.Uid == recreate.Uid:
                Kubernetes.StatefulSet = null;
                break;
            case Step.ScaleStatefulSet scale when Kubernetes.StatefulSet is { } set && set.Metadata.Uid == scale.Uid:
                if (Cluster.Status.Bootstrapped == true && scale.Replicas < set.Spec.Replicas
                    && (!Raft.HasQuorum || Raft.Members.Any(member => member.Ordinal >= scale.Replicas))) break;
                set.Spec.Replicas = scale.Replicas;
                break;
            case Step.LatchClusterIdentity latch when Cluster.Status.ClusterId is null:
                Cluster.Status.ClusterId = latch.ClusterId.ToString();
                Cluster.Status.FirstMemberId = latch.FirstMemberId.ToString();
                break;
            case Step.LatchBootstrapped latch when Cluster.Status.ClusterId is null || Cluster.Status.ClusterId == latch.ClusterId.ToString():
                Cluster.Status.ClusterId = latch.ClusterId.ToString();
                Cluster.Status.FirstMemberId = latch.FirstMemberId.ToString();
                Cluster.Status.Bootstrapped = true;
                break;
            case Step.InitializeMember initialize:
                Initialize(initialize);
                break;
            case Step.AddLearner add when Raft.HasQuorum && Claim(add.ClaimUid) is { } joining:
                joining.Joining = true;
                var ordinal = Names.PodOrdinal(add.Pod)!.Value;
                if (Raft.Members.All(member => member.Ordinal != ordinal) && Raft.Members.All(member => !member.IsLearner))
                    Raft.Members.Add(new Member(NextMember(), ordinal));
                break;
            case Step.PromoteLearner promote when Raft.HasQuorum:
                if (Raft.Members.FirstOrDefault(member => member.Id == promote.MemberId) is { } learner) learner.IsLearner = false;
                break;
            case Step.RemoveMember remove when Raft.HasQuorum:
                Raft.Members.RemoveAll(member => member.Id == remove.MemberId);
                break;
            case Step.MoveLeader move:
                Raft.Move(move.To);
                break;
            case Step.DeletePod delete:
                if (Kubernetes.Pods.Values.FirstOrDefault(pod => pod.Uid == delete.Uid) is { } pod) Kubernetes.Delete(pod, delete.Force);
                break;
            case Step.ResizeVolume resize:
                if (Claim(resize.Uid) is { } growing) growing.Size = resize.Size;
                break;
            case Step.DeleteVolumeClaim delete:
                if (Claim(delete.Uid) is not { } claim) break;
                if (claim.NotedMember is { } holder && (!Raft.HasQuorum || Raft.Members.Any(member => member.Id == holder))) break;
                claim.Terminating = true;
                break;
            case Step.AdoptVolumeClaim adopt:
                if (Claim(adopt.Uid) is not { } adopted) break;
                adopted.ClusterUid = Given.Uid;
                adopted.OwnerUid = adopt.Owned ? Given.Uid : null;
                break;
        }
    }

    private void Initialize(Step.InitializeMember step)
    {
        var status = Cluster.Status;
        if (status.ClusterId != step.ClusterId.ToString()) return;
        if (step.FormNewCluster && (status.Bootstrapped == true || status.FirstMemberId != step.MemberId.ToString())) return;
        if (!step.FormNewCluster && (!Raft.HasQuorum || Raft.Members.All(member => member.Id != step.MemberId))) return;
        if (Kubernetes.Pods.Values.FirstOrDefault(pod => pod.Uid == step.PodUid) is not { } pod || Claim(step.ClaimUid) is not { } claim) return;
        claim.NotedMember = step.MemberId;
        Raft.Initialize(pod, step.ClusterId, step.MemberId, step.FormNewCluster);
    }

    private Claim? Claim(string uid) => Kubernetes.Claims.Values.FirstOrDefault(claim => claim.Uid == uid);

    /// <summary>Looks and acts until the planner has nothing to do, with time going by in between.</summary>
    /// <exception cref="Xunit.Sdk.XunitException">It does not come to rest.</exception>
    public void Settle(int ticksMax = 1500)
    {
        for (var tick = 0; tick < ticksMax; tick++)
        {
            var plan = Plan();
            if (plan.Step is Step.Nothing)
            {
                AssertAsAsked();
                return;
            }
            Execute(plan.Step);
            Tick();
        }
        Assert.Fail($"the cluster did not come to rest: {Plan().Step}");
    }

    private void AssertAsAsked()
    {
        Assert.Equal(Cluster.Spec.Replicas, Raft.Voters.Count(Raft.IsUp));
        Assert.Equal(Cluster.Spec.Replicas, Raft.Members.Count);
        Assert.Equal(Cluster.Spec.Replicas, Kubernetes.Pods.Count);
        if (!Cluster.Spec.Updates.Hold)
            Assert.All(Kubernetes.Pods.Values, pod => Assert.Equal(Objects.TemplateHash.Of(Desired.Template), pod.Hash));
        Assert.Equal("True", Cluster.Status.Conditions!.Single(condition => condition.Type == ConditionTypes.Available).Status);
    }

    public void Log(string what) => Timeline.Add($"{(Kubernetes.Now - Given.Start).TotalSeconds,5:0}s {what}");
}
