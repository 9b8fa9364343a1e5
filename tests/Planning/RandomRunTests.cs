using System.Diagnostics;
using Raft.Operator.Api;
using Raft.Operator.Planning.Tests.Simulated;

namespace Raft.Operator.Planning.Tests;

/// <summary>
/// The planner over a great many random histories. RAFT_PLANNING_SEED=n replays one of them and RAFT_PLANNING_RUNS=n says how
/// many there are.
/// </summary>
public sealed class RandomRunTests(ITestOutputHelper output)
{
    private static readonly int Runs = Setting("RAFT_PLANNING_RUNS") ?? 500;

    [Fact]
    public void Whatever_fails_no_step_is_unsafe_and_when_nothing_fails_the_cluster_becomes_what_was_asked()
    {
        var clock = Stopwatch.StartNew();
        var plans = 0;
        Parallel.ForEach(Seeds(), seed => Interlocked.Add(ref plans, Replay(seed, world => Trouble(world, steps: 100))));
        output.WriteLine($"{plans} plans in {clock.Elapsed.TotalSeconds:0.0} s");
    }

    [Fact]
    public void A_roll_without_failures_changes_the_leader_once_at_most_and_restarts_each_pod_once()
    {
        Parallel.ForEach(Seeds().Take(300), seed => Replay(seed, Roll));
    }

    private static IEnumerable<int> Seeds() => Setting("RAFT_PLANNING_SEED") is { } one ? [one] : Enumerable.Range(1, Runs);

    private int Replay(int seed, Action<World> run)
    {
        var replicas = new Random(seed).Next(1, 6);
        var world = new World(seed, Given.Cluster(replicas, change: spec => spec.DisruptionBudget.Enabled = seed % 20 == 0));
        try
        {
            run(world);
        }
        catch (Exception)
        {
            output.WriteLine(string.Join(Environment.NewLine, [$"RAFT_PLANNING_SEED={seed} replays this:", .. world.Timeline.TakeLast(80)]));
            throw;
        }
        return world.Plans;
    }

    private static void Roll(World world)
    {
        world.Settle();
        var (changes, restarts) = (world.Raft.LeadershipChanges, world.Steps.Count(step => step is Step.DeletePod));
        world.Change(spec => spec.Version = "2");
        world.Settle();
        Assert.Equal(restarts + world.Cluster.Spec.Replicas, world.Steps.Count(step => step is Step.DeletePod));
        // Of one or two members none can be spared, so that leadership is lost with whichever restarts.
        if (world.Cluster.Spec.Replicas > 2) Assert.InRange(world.Raft.LeadershipChanges - changes, 0, 1);
    }

    private static void Trouble(World world, int steps)
    {
        var random = world.Random;
        world.MissedAnswers = random.Next(3) == 0 ? 5 : 0;
        RaftClusterStatus? old = null;
        for (var step = 0; step < steps; step++)
        {
            if (random.Next(12) == 0) UserChanges(world);
            if (random.Next(15) == 0) Break(world);
            // The operator may plan on an old copy of the resource, die before it acts, or act twice.
            var plan = world.Plan(random.Next(20) == 0 ? old : null);
            if (random.Next(10) == 0) old = World.Copy(world.Cluster.Status);
            if (random.Next(5) == 0) world.Tick();
            if (random.Next(10) != 0) world.Execute(plan.Step);
            if (random.Next(20) == 0) world.Execute(plan.Step);
            for (var ticks = random.Next(4); ticks > 0; ticks--) world.Tick();
        }

        world.MissedAnswers = 0;
        foreach (var pod in world.Kubernetes.Pods.Values.Where(pod => pod.NodeLost && pod.GoneBy is null)) pod.NodeLost = false;
        world.Change(spec =>
        {
            spec.Version = "good";
            spec.Updates.Hold = false;
        });
        world.Settle();
    }

    private static void UserChanges(World world)
    {
        var random = world.Random;
        world.Change(spec =>
        {
            switch (random.Next(6))
            {
                case 0 or 1: spec.Replicas = random.Next(1, 6); break;
                case 2: spec.Version = $"good-{random.Next(4)}"; break;
                case 3: spec.Version = random.Next(2) == 0 ? "bad" : "good"; break;
                case 4: spec.Updates.Hold = !spec.Updates.Hold; break;
                default: spec.Storage.Retention.WhenScaled = random.Next(2) == 0 ? VolumeRetentionSpec.Retain : VolumeRetentionSpec.Delete; break;
            }
        });
    }

    /// <summary>Something breaks, but never so that the data of a majority is lost: from that nothing recovers by itself.</summary>
    private static void Break(World world)
    {
        var random = world.Random;
        var pods = world.Kubernetes.Pods.Values.ToList();
        if (pods.Count == 0) return;
        var pod = pods[random.Next(pods.Count)];
        switch (random.Next(5))
        {
            case 0:
                world.Log($"crash of {pod.Ordinal}");
                pod.StartsInTicks = 2;
                break;
            case 1:
                world.Log($"eviction of {pod.Ordinal}");
                world.Kubernetes.Delete(pod);
                break;
            case 2 when MayLoseDisk(world, pod):
                world.Log($"volume of {pod.Ordinal} deleted");
                if (world.Kubernetes.Claims.TryGetValue(pod.Ordinal, out var claim)) claim.Terminating = true;
                world.Kubernetes.Delete(pod);
                break;
            case 3 when MayLoseDisk(world, pod):
                world.Log($"node of {pod.Ordinal} lost");
                pod.NodeLost = true;
                world.Kubernetes.Delete(pod);
                break;
            case 4 when world.Kubernetes.StatefulSet is { } statefulSet:
                world.Log("somebody scales the StatefulSet down");
                statefulSet.Spec.Replicas = Math.Max(1, statefulSet.Spec.Replicas!.Value - 1);
                break;
        }
    }

    private static bool MayLoseDisk(World world, Pod pod)
    {
        var raft = world.Raft;
        // Before the cluster is known to exist, its first member's disk is all there is.
        if (world.Cluster.Status.Bootstrapped != true) return raft.Founded.Count == 0;
        var intact = raft.Members.Where(member => world.Kubernetes.Claims.TryGetValue(member.Ordinal, out var claim)
            && !claim.Terminating && claim.Disk.Member == member.Id
            && !(world.Kubernetes.Pods.TryGetValue(member.Ordinal, out var other) && other.NodeLost)
            && member.Ordinal != pod.Ordinal);
        return intact.Count(member => !member.IsLearner) >= raft.Quorum;
    }

    private static int? Setting(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : null;
}
