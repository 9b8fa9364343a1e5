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

    /// <summary>What a request comes to: exactly one of the three.</summary>
    /// <param name="Change">A change of the configuration.</param>
    /// <param name="Command">A change of what is known of a member.</param>
    /// <param name="Error">A refusal.</param>
    internal readonly record struct Decision(ConfigurationChange? Change, Command? Command, NodeError? Error)
    {
        public static implicit operator Decision(NodeError error) => new(null, null, error);

        public static implicit operator Decision(ConfigurationChange change) => new(change, null, null);
    }

    internal Decision Decide(ForwardRequest request, ConsensusStatus status) => request.RequestCase switch
    {
        ForwardRequest.RequestOneofCase.MemberAdd => Add(request.MemberAdd, status),
        ForwardRequest.RequestOneofCase.MemberRemove => Remove(request.MemberRemove, status),
        ForwardRequest.RequestOneofCase.MemberPromote => Promote(request.MemberPromote, status),
        ForwardRequest.RequestOneofCase.MemberUpdate => Update(request.MemberUpdate),
        _ => throw new InvariantViolationException($"{request.RequestCase} is no change of members."),
    };

    private Decision Add(MemberAddRequest request, ConsensusStatus status)
    {
        if (IsTaken(request.PeerURLs, by: 0))
        {
            return NodeError.PeerUrlExists;
        }

        if (request.IsLearner && status.Configuration.Learners.Count >= options.LearnersMax)
        {
            return NodeError.TooManyLearners;
        }

        // A new voter counts towards the quorum from the start, though it has not started. A learner does no harm, and a
        // cluster of one has no other way to become two.
        var voters = status.Configuration.Voters;
        if (!request.IsLearner && !(voters.Count == 1 && IsStarted(voters.Min)))
        {
            if (!IsQuorum(voters.Count(IsStarted), voters.Count + 1))
            {
                return NodeError.NotEnoughStarted;
            }

            if (!IsQuorum(voters.Count(voter => IsActive(voter, status)), voters.Count + 1))
            {
                return NodeError.Unhealthy;
            }
        }

        var member = new Member { ID = NewId(), IsLearner = request.IsLearner };
        member.PeerURLs.AddRange(request.PeerURLs);
        return Change(request.IsLearner ? ConfigurationChangeKind.AddLearner : ConfigurationChangeKind.AddVoter, member);
    }

    private Decision Remove(MemberRemoveRequest request, ConsensusStatus status)
    {
        if (!directory.Members.TryGetValue(request.ID, out var member))
        {
            return NodeError.MemberNotFound;
        }

        if (!member.IsLearner)
        {
            // Those that stay must still be able to decide: started, and answering now.
            var staying = status.Configuration.Voters.Remove(new MemberId(request.ID));
            if (staying.Count == 0 || !IsQuorum(staying.Count(IsStarted), staying.Count))
            {
                return NodeError.NotEnoughStarted;
            }

            if (!IsQuorum(staying.Count(voter => IsActive(voter, status)), staying.Count))
            {
                return NodeError.Unhealthy;
            }
        }

        return Change(ConfigurationChangeKind.RemoveMember, member);
    }

    private Decision Promote(MemberPromoteRequest request, ConsensusStatus status)
    {
        if (!directory.Members.TryGetValue(request.ID, out var member))
        {
            return NodeError.MemberNotFound;
        }

        if (!member.IsLearner)
        {
            return NodeError.NotLearner;
        }

        var isReady = status.Progress.TryGetValue(new MemberId(request.ID), out var progress)
            && progress.RecentlyActive
            && progress.Match.Value * 100 >= status.Last.Index.Value * ReadyPercent;
        if (!isReady)
        {
            return NodeError.LearnerNotReady;
        }

        var voters = status.Configuration.Voters;
        return IsQuorum(voters.Count(IsStarted) + 1, voters.Count + 1)
            ? Change(ConfigurationChangeKind.PromoteLearner, member)
            : NodeError.NotEnoughStarted;
    }

    private Decision Update(MemberUpdateRequest request) =>
        !directory.Members.ContainsKey(request.ID) ? NodeError.MemberNotFound
        : IsTaken(request.PeerURLs, by: request.ID) ? NodeError.PeerUrlExists
        : new Decision(null, new Command { MemberUpdate = request }, null);

    /// <summary>Whether another member has one of the URLs.</summary>
    private bool IsTaken(IReadOnlyCollection<string> peerUrls, ulong by) =>
        directory.Members.Values.Any(member => member.ID != by && member.PeerURLs.Intersect(peerUrls).Any());

    /// <summary>Never one that was a member's before.</summary>
    private ulong NewId()
    {
        ulong id;
        do
        {
            id = options.NewMemberId();
        }
        while (id == 0 || directory.Members.ContainsKey(id) || directory.Removed.Contains(id));
        return id;
    }

    private bool IsStarted(MemberId member) => directory.Members.TryGetValue(member.Value, out var known) && known.Name.Length > 0;

    private static bool IsActive(MemberId member, ConsensusStatus status) =>
        member == status.Id || (status.Progress.TryGetValue(member, out var progress) && progress.RecentlyActive);

    private static bool IsQuorum(int some, int all) => some >= (all / 2) + 1;

    private static Decision Change(ConfigurationChangeKind kind, Member member) =>
        new ConfigurationChange(kind, new MemberId(member.ID), new MemberChange { Member = member }.ToByteArray());
}
