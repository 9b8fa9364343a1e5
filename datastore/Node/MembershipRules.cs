using Google.Protobuf;
using Raft.Consensus;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <summary>Whether a change of members is allowed, as etcd decides with its strict check on. Asked on the leader only.</summary>
internal sealed class MembershipRules(NodeOptions options, MembershipDirectory directory)
{
    /// <summary>A learner may vote when it has this much of the leader's log, in percent.</summary>
    private const ulong ReadyPercent = 90;

    /// <summary>The change that the request comes to, or why it is refused.</summary>
    internal (ConfigurationChange? Change, NodeError? Error) Decide(ForwardRequest request, ConsensusStatus status) =>
        request.RequestCase switch
        {
            ForwardRequest.RequestOneofCase.MemberAdd => Add(request.MemberAdd, status),
            ForwardRequest.RequestOneofCase.MemberRemove => Remove(request.MemberRemove, status),
            ForwardRequest.RequestOneofCase.MemberPromote => Promote(request.MemberPromote, status),
            _ => throw new InvariantViolationException($"{request.RequestCase} is no change of members."),
        };

    private (ConfigurationChange?, NodeError?) Add(MemberAddRequest request, ConsensusStatus status)
    {
        if (directory.Members.Values.Any(member => member.PeerURLs.Intersect(request.PeerURLs).Any()))
        {
            return (null, NodeError.PeerUrlExists);
        }

        if (request.IsLearner && status.Configuration.Learners.Count >= options.LearnersMax)
        {
            return (null, NodeError.TooManyLearners);
        }

        if (!request.IsLearner && !HasStartedQuorum(status.Configuration.Voters.Count + 1, StartedVoters(status)))
        {
            return (null, NodeError.NotEnoughStarted);
        }

        ulong id;
        do
        {
            id = options.NewMemberId();
        }
        while (id == 0 || directory.Members.ContainsKey(id) || directory.Removed.Contains(id));

        var member = new Member { ID = id, IsLearner = request.IsLearner };
        member.PeerURLs.AddRange(request.PeerURLs);
        var kind = request.IsLearner ? ConfigurationChangeKind.AddLearner : ConfigurationChangeKind.AddVoter;
        return (Change(kind, member), null);
    }

    private (ConfigurationChange?, NodeError?) Remove(MemberRemoveRequest request, ConsensusStatus status)
    {
        if (!directory.Members.TryGetValue(request.ID, out var member))
        {
            return (null, NodeError.MemberNotFound);
        }

        if (!member.IsLearner)
        {
            var voters = status.Configuration.Voters.Remove(new MemberId(request.ID));
            if (!HasStartedQuorum(voters.Count, voters.Count(IsStarted)))
            {
                return (null, NodeError.NotEnoughStarted);
            }

            // Without the removed one, those that answer must still be a majority.
            if (!HasStartedQuorum(voters.Count, voters.Count(voter => IsActive(voter, status))))
            {
                return (null, NodeError.Unhealthy);
            }
        }

        return (Change(ConfigurationChangeKind.RemoveMember, member), null);
    }

    private (ConfigurationChange?, NodeError?) Promote(MemberPromoteRequest request, ConsensusStatus status)
    {
        if (!directory.Members.TryGetValue(request.ID, out var member))
        {
            return (null, NodeError.MemberNotFound);
        }

        if (!member.IsLearner)
        {
            return (null, NodeError.NotLearner);
        }

        var id = new MemberId(request.ID);
        var isReady = status.Progress.TryGetValue(id, out var progress)
            && progress.RecentlyActive
            && progress.Match.Value * 100 >= status.Last.Index.Value * ReadyPercent;
        if (!isReady)
        {
            return (null, NodeError.LearnerNotReady);
        }

        return HasStartedQuorum(status.Configuration.Voters.Count + 1, StartedVoters(status) + 1)
            ? (Change(ConfigurationChangeKind.PromoteLearner, member), null)
            : (null, NodeError.NotEnoughStarted);
    }

    private int StartedVoters(ConsensusStatus status) => status.Configuration.Voters.Count(IsStarted);

    private bool IsStarted(MemberId member) => directory.Members.TryGetValue(member.Value, out var known) && known.Name.Length > 0;

    private static bool IsActive(MemberId member, ConsensusStatus status) =>
        member == status.Id || (status.Progress.TryGetValue(member, out var progress) && progress.RecentlyActive);

    private static bool HasStartedQuorum(int voters, int started) => voters > 0 && started >= (voters / 2) + 1;

    private static ConfigurationChange Change(ConfigurationChangeKind kind, Member member) =>
        new(kind, new MemberId(member.ID), new MemberChange { Member = member }.ToByteArray());
}
