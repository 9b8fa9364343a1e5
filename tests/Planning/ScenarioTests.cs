using Raft.Operator.Api;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning.Tests;

/// <summary>What users of other operators were bitten by, one by one; the numbers are those of docs/operations.md's list of promises.</summary>
public sealed class ScenarioTests
{
    private static Seen Cluster(int replicas = 3, int? members = null, Action<RaftClusterSpec>? change = null) =>
        new(Given.Cluster(replicas, change: spec =>
        {
            spec.DisruptionBudget.Enabled = false;
            change?.Invoke(spec);
        }), members);

    [Fact]
    public void A_healthy_cluster_is_left_alone()
    {
        Cluster().Step<Step.Nothing>();
    }

    [Fact]
    public void S1_a_learner_added_before_a_crash_is_finished_rather_than_added_again()
    {
        var seen = Cluster(4).Blank(3).Listed(3, learner: true, started: false).Volume(3, volume => volume with { Joining = true });
        var step = seen.Step<Step.InitializeMember>();
        Assert.Equal((Seen.Id(3), false), (step.MemberId, step.FormNewCluster));
    }

    [Fact]
    public void S1_a_leaked_learner_is_taken_back_when_it_is_not_wanted()
    {
        var seen = Cluster(3, members: 3).Listed(3, learner: true, started: false);
        Assert.Equal(Seen.Id(3), seen.Step<Step.RemoveMember>().MemberId);
    }

    [Fact]
    public void S1_a_learner_is_never_told_who_it_is_on_a_newer_volume_than_it_was_added_for()
    {
        Cluster(4).Blank(3).Listed(3, learner: true, started: false).Step<Step.RemoveMember>();
    }

    [Fact]
    public void S2_a_claim_of_a_removed_member_goes_before_its_ordinal_comes_back()
    {
        var seen = Cluster(4, members: 3).Volume(3, volume => volume with { MemberId = Seen.Id(3) });
        Assert.Equal("volume-3", seen.Step<Step.DeleteVolumeClaim>().Uid);
    }

    [Fact]
    public void S2_the_data_of_a_removed_member_is_deleted_where_a_pod_still_runs_on_it()
    {
        Assert.Equal("volume-2", Cluster().NotListed(2).Step<Step.DeleteVolumeClaim>().Uid);
    }

    [Fact]
    public void S3_a_missing_pod_takes_nobody_out_of_the_cluster()
    {
        Cluster().Pod(2, _ => null).Step<Step.Wait>();
    }

    [Fact]
    public void S3_a_stateful_set_that_somebody_scaled_down_gets_its_pods_back()
    {
        var seen = Cluster();
        seen.StatefulSet!.Spec.Replicas = 1;
        Assert.Equal(3, seen.Step<Step.ScaleStatefulSet>().Replicas);
    }

    [Fact]
    public void S4_a_blank_volume_of_ordinal_0_founds_no_second_cluster()
    {
        var step = Cluster().Leader(1).Blank(0).Step<Step.RemoveMember>();
        Assert.Equal(Seen.Id(0), step.MemberId);
    }

    [Fact]
    public void S4_even_if_every_volume_is_blank_no_second_cluster_is_founded()
    {
        Cluster().Blank(0).Blank(1).Blank(2).ListUnknown().Step<Step.Wait>();
    }

    [Fact]
    public void S4_identities_are_latched_before_the_first_member_hears_of_them()
    {
        var seen = Cluster(1).Blank(0).ListUnknown();
        seen.Cluster.Status = new RaftClusterStatus();
        Assert.Equal(new ClusterId(0xf00d), seen.Step<Step.LatchClusterIdentity>().ClusterId);

        seen.Cluster.Status = new RaftClusterStatus { ClusterId = "f00d", FirstMemberId = "beef" };
        var step = seen.Step<Step.InitializeMember>();
        Assert.Equal((new ClusterId(0xf00d), new MemberId(0xbeef), true), (step.ClusterId, step.MemberId, step.FormNewCluster));
    }

    [Fact]
    public void S4_a_pod_that_does_not_answer_may_hold_a_cluster_so_none_is_founded()
    {
        var seen = Cluster(2).Blank(0).Down(1).ListUnknown();
        seen.Cluster.Status = new RaftClusterStatus();
        seen.Step<Step.Wait>();
    }

    [Theory]
    [InlineData(30, true, typeof(Step.Wait))]
    [InlineData(400, true, typeof(Step.RemoveMember))]
    [InlineData(400, null, typeof(Step.Wait))]
    [InlineData(400, false, typeof(Step.Wait))]
    public void S5_a_pod_on_a_lost_node_is_replaced_after_a_deadline(int secondsOverdue, bool? nodeLost, Type expected)
    {
        var seen = Cluster().Down(2);
        seen.Pod(2, pod => pod with { GoneBy = seen.Now - TimeSpan.FromSeconds(secondsOverdue), NodeLost = nodeLost });
        Assert.IsType(expected, seen.Plan().Step);
    }

    [Fact]
    public void S5_the_last_margin_of_a_quorum_is_never_spent_on_a_lost_node()
    {
        var seen = Cluster(2).Down(1).ListUnknown();
        seen.Pod(1, pod => pod with { GoneBy = seen.Now - TimeSpan.FromHours(1), NodeLost = true });
        seen.Step<Step.Wait>();
    }

    [Fact]
    public void S5_the_member_leaves_before_its_volume_and_its_pod_go()
    {
        var seen = Cluster().NotListed(2).Down(2);
        seen.Pod(2, pod => pod with { GoneBy = seen.Now - TimeSpan.FromHours(1), NodeLost = true });
        Assert.Equal("volume-2", seen.Step<Step.DeleteVolumeClaim>().Uid);
        seen.Volume(2, volume => volume with { Terminating = true });
        Assert.True(seen.Step<Step.DeletePod>().Force);
    }

    [Fact]
    public void S6_without_a_quorum_nothing_is_changed_and_only_a_lasting_loss_is_called_one()
    {
        var seen = Cluster().Down(1).Down(2).ListUnknown();
        seen.Answers(0, leaderless: true);
        var first = seen.Plan();
        Assert.IsType<Step.Wait>(first.Step);
        Assert.Equal("False", Condition(first, ConditionTypes.QuorumLost).Status);
        Assert.Equal("False", Condition(first, ConditionTypes.Available).Status);

        seen.Cluster.Status = first.Status;
        seen.Now += TimeSpan.FromMinutes(2);
        var later = seen.Plan();
        Assert.Equal("True", Condition(later, ConditionTypes.QuorumLost).Status);
        Assert.Contains("store-0 at index 100000", Condition(later, ConditionTypes.QuorumLost).Message, StringComparison.Ordinal);
        Assert.Equal(Phases.QuorumLost, later.Status.Phase);
    }

    [Fact]
    public void S7_no_pod_is_rolled_while_a_learner_catches_up()
    {
        var seen = Cluster(3).Outdated(0, 1).Listed(2, learner: true);
        seen.Answers(2, applied: 10);
        Assert.Contains("catching up", seen.Step<Step.Wait>().Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100_000, typeof(Step.PromoteLearner))]
    [InlineData(50_000, typeof(Step.Wait))]
    public void S7_a_learner_gets_its_vote_when_it_has_caught_up(int applied, Type expected)
    {
        var seen = Cluster(2).Listed(1, learner: true);
        Assert.IsType(expected, seen.Answers(1, applied: (ulong)applied).Plan().Step);
    }

    [Fact]
    public void S8_a_bad_template_stops_at_the_first_pod()
    {
        Cluster().Outdated(0, 1).Down(2, "ImagePullBackOff").Step<Step.Wait>();
    }

    [Fact]
    public void S8_a_corrected_template_replaces_the_broken_pod_first()
    {
        Assert.Equal("store-2", Cluster().Outdated(0, 1, 2).Down(2, "ImagePullBackOff").Step<Step.DeletePod>().Name);
    }

    [Fact]
    public void S8_a_corrected_template_replaces_broken_pods_without_a_quorum_too()
    {
        Assert.Equal("store-2", Cluster().Outdated(1, 2).Down(1, "CrashLoopBackOff").Down(2, "CrashLoopBackOff").ListUnknown().Step<Step.DeletePod>().Name);
    }

    [Fact]
    public void S8_a_member_that_has_left_and_cannot_start_does_not_hold_up_the_correction_of_another()
    {
        // store-3 has left, its data remembers it, and scaling in waits for a quorum that only a corrected store-1 can give.
        var seen = Cluster(1, members: 4).NotListed(3).Down(3).NotListed(2).Down(2).Outdated(1).Down(1, "ImagePullBackOff");
        Assert.Equal("store-1", seen.Step<Step.DeletePod>().Name);
        seen.ListUnknown();
        seen.Cluster.Status.Members = [new MemberStatus { Name = "store-0", Id = "1" }, new MemberStatus { Name = "store-1", Ordinal = 1, Id = "2" }];
        Assert.Equal("store-1", seen.Step<Step.DeletePod>().Name);
    }

    [Fact]
    public void S9_followers_come_first_and_10_after_2()
    {
        var seen = Cluster(9, members: 9);
        Assert.Equal("store-8", seen.Outdated([.. Enumerable.Range(0, 9)]).Step<Step.DeletePod>().Name);
        var names = new ClusterNames("store", "space");
        Assert.Equal([2, 10], new[] { "store-10", "store-2" }.Select(names.PodOrdinal).Order().Select(ordinal => ordinal!.Value));
    }

    [Fact]
    public void S9_leadership_moves_once_to_an_updated_member_and_the_old_leader_is_last()
    {
        var seen = Cluster().Leader(2).Outdated(0, 1, 2);
        Assert.Equal("store-1", seen.Step<Step.DeletePod>().Name);
        seen.Pod(1, pod => pod with { TemplateHash = seen.Hash });
        Assert.Equal("store-0", seen.Step<Step.DeletePod>().Name);
        seen.Pod(0, pod => pod with { TemplateHash = seen.Hash });
        Assert.Equal("store-0", seen.Step<Step.MoveLeader>().ToName);
        Assert.Equal("store-2", seen.Leader(0).Step<Step.DeletePod>().Name);
    }

    [Fact]
    public void S9_each_pod_is_back_and_caught_up_before_the_next()
    {
        var seen = Cluster().Outdated(0, 1).Answers(2, applied: 10);
        seen.Step<Step.Wait>();
        seen.Answers(2).Pod(2, pod => pod with { Ready = false });
        seen.Step<Step.Wait>();
    }

    [Fact]
    public void S9_a_single_member_is_just_restarted()
    {
        Assert.Equal("store-0", Cluster(1).Outdated(0).Step<Step.DeletePod>().Name);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(5, 2)]
    [InlineData(7, 3)]
    public void S10_as_many_pods_may_be_evicted_as_the_quorum_can_spare(int replicas, int spared)
    {
        var seen = Cluster(replicas);
        Assert.Equal(spared, Planning.Rules.ObjectRule.MaxUnavailable(new ClusterView(seen.Desired, seen.Observation, seen.Now)));
    }

    [Fact]
    public void S10_none_may_be_evicted_in_the_middle_of_a_membership_change()
    {
        var seen = Cluster(3).Listed(2, learner: true);
        Assert.Equal(0, Planning.Rules.ObjectRule.MaxUnavailable(new ClusterView(seen.Desired, seen.Observation, seen.Now)));
    }

    [Fact]
    public void S10_a_budget_that_is_not_asked_for_any_more_goes_unless_it_is_somebody_elses()
    {
        var seen = Cluster();
        var budget = seen.Desired.DisruptionBudget(1, policyV1: true);
        budget.Metadata.Uid = "budget-uid";
        seen.Objects = [seen.Desired.ServiceAccount, seen.Desired.PeerService, seen.Desired.ClientService, budget];
        Assert.Equal("budget-uid", seen.Step<Step.DeleteDisruptionBudget>().Uid);
        budget.Metadata.OwnerReferences = null;
        seen.Step<Step.Nothing>();
    }

    [Fact]
    public void An_annotation_that_the_spec_has_dropped_goes_and_one_that_others_made_stays()
    {
        var before = new DesiredState(Given.Cluster(change: spec => spec.ClientService = new ClientServiceSpec
        {
            Annotations = new Dictionary<string, string> { ["load-balancer"] = "internal" },
        }));
        var seen = Cluster();
        seen.Objects = [seen.Desired.ServiceAccount, seen.Desired.PeerService, before.ClientService];
        Assert.Equal("store-client", seen.Step<Step.CreateOrUpdateObject>().Target.Metadata.Name);

        var annotated = new DesiredState(Given.Cluster()).ClientService;
        annotated.Metadata.Annotations["made-by"] = "others";
        seen.Objects = [seen.Desired.ServiceAccount, seen.Desired.PeerService, annotated];
        seen.Step<Step.Nothing>();
    }

    [Fact]
    public void S11_claims_grow_one_by_one_whatever_the_health_and_then_the_stateful_set_is_made_anew()
    {
        var seen = Cluster(change: spec => spec.Storage.Size = "16Gi").Down(1).Down(2).ListUnknown();
        seen.StatefulSet = seen.Desired.StatefulSet(3, seen.Desired.Template, new("8Gi"));
        seen.StatefulSet.Metadata.Uid = "set-uid";
        foreach (var ordinal in new[] { 0, 1, 2 })
        {
            seen.Volume(ordinal, volume => volume with { Requested = new("8Gi"), Expandable = true });
        }
        Assert.Equal("volume-0", seen.Step<Step.ResizeVolume>().Uid);
        foreach (var ordinal in new[] { 0, 1, 2 }) seen.Volume(ordinal, volume => volume with { Requested = new("16Gi") });
        Assert.Equal("set-uid", seen.Step<Step.RecreateStatefulSet>().Uid);
        seen.StatefulSet = null;
        seen.Cluster.Status.Members = [new MemberStatus { Name = "store-4", Ordinal = 4, Id = "5" }];
        var apply = Assert.IsType<k8s.Models.V1StatefulSet>(seen.Step<Step.CreateOrUpdateObject>().Target);
        Assert.Equal(5, apply.Spec.Replicas);
    }

    [Fact]
    public void S12_objects_of_an_earlier_cluster_of_the_same_name_are_left_to_die()
    {
        var seen = Cluster();
        seen.StatefulSet!.Metadata.OwnerReferences[0].Uid = "another";
        seen.Step<Step.Wait>();
    }

    [Fact]
    public void S12_volumes_that_outlived_their_cluster_are_taken_up_rather_than_founding_another()
    {
        var seen = Cluster().ListUnknown();
        seen.Cluster.Status = new RaftClusterStatus();
        Assert.Equal(Seen.ClusterId, seen.Step<Step.LatchBootstrapped>().ClusterId);
    }

    [Fact]
    public void S12_volumes_of_two_clusters_are_left_to_a_person()
    {
        var seen = Cluster().ListUnknown().Answers(1, new MemberProbe.Initialized(new ClusterId(0xbad), new MemberId(9)));
        seen.Cluster.Status = new RaftClusterStatus();
        seen.Step<Step.Wait>();
    }

    [Fact]
    public void S14_status_is_told_on_every_path_and_members_are_matched_by_identity()
    {
        var plan = Cluster(change: spec => spec.Paused = true).Down(2).Plan();
        Assert.Equal("paused", plan.Rule);
        Assert.Equal(1, plan.Status.ObservedGeneration);
        Assert.Equal(2, plan.Status.ReadyReplicas);
        Assert.Equal("True", Condition(plan, ConditionTypes.Degraded).Status);
        Assert.Equal(["Leader", "Follower", "Follower"], plan.Status.Members!.Select(member => member.Role));
        Assert.Equal("Unknown", plan.Status.Members![2].Health);
    }

    [Fact]
    public void S16_a_changed_template_can_be_held_back()
    {
        var seen = Cluster(change: spec => spec.Updates.Hold = true);
        var old = new DesiredState(Given.Cluster(version: "0"));
        seen.StatefulSet = old.StatefulSet(3, old.Template, old.StorageSize);
        foreach (var ordinal in new[] { 0, 1, 2 }) seen.Pod(ordinal, pod => pod with { TemplateHash = Objects.TemplateHash.Of(old.Template) });
        var plan = seen.Plan();
        Assert.IsType<Step.Nothing>(plan.Step);
        Assert.Equal("Held", Condition(plan, ConditionTypes.UpToDate).Reason);
    }

    [Fact]
    public void A_spec_that_makes_no_sense_is_reported_and_changes_nothing()
    {
        var seen = Cluster(change: spec => spec.ServerOptions = new ServerOptionsSpec { ExtraFlags = new Dictionary<string, string> { ["data-dir"] = "/" } });
        var plan = seen.Outdated(0, 1, 2).Plan();
        Assert.IsType<Step.Wait>(plan.Step);
        Assert.Equal("False", Condition(plan, ConditionTypes.SpecValid).Status);
        Assert.Equal("True", Condition(plan, ConditionTypes.Available).Status);
    }

    [Theory]
    [InlineData("4Gi", null)]
    [InlineData("8Gi", "fast")]
    public void Storage_never_shrinks_nor_changes_its_class(string size, string? storageClass)
    {
        var seen = Cluster(change: spec =>
        {
            spec.Storage.Size = size;
            spec.Storage.StorageClassName = storageClass;
        });
        var before = new DesiredState(Given.Cluster());
        seen.StatefulSet = before.StatefulSet(3, before.Template, before.StorageSize);
        var plan = seen.Plan();
        Assert.Equal("invalid spec", plan.Rule);
        Assert.Equal(Phases.Invalid, plan.Status.Phase);
    }

    [Fact]
    public void A_leader_that_is_to_leave_hands_over_first_and_its_pod_goes_after_its_membership()
    {
        var seen = Cluster(3, members: 5).Leader(4);
        Assert.Equal("store-0", seen.Step<Step.MoveLeader>().ToName);
        Assert.Equal(Seen.Id(4), seen.Leader(0).Step<Step.RemoveMember>().MemberId);
        Assert.Equal(4, seen.NotListed(4).Step<Step.ScaleStatefulSet>().Replicas);
    }

    [Fact]
    public void A_healthy_member_does_not_leave_while_those_that_stay_are_no_quorum()
    {
        Cluster(2, members: 3).Down(1).Step<Step.Wait>();
    }

    private static ClusterCondition Condition(Plan plan, string type) => plan.Status.Conditions!.Single(condition => condition.Type == type);
}
