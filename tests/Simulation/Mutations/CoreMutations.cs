using Raft.Consensus;

namespace Raft.Simulation.Tests.Mutations;

/// <summary>Rules of the consensus core, broken one at a time.</summary>
internal static class CoreMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        Broken("the term is not persisted", new TermNotPersisted()),
        Broken("votes and acknowledgements leave before the sync", new PromisesBeforeSync()),
        Broken("entries are applied before the sync", new AppliesUnsyncedEntries()),
        Broken("learners count in quorums", new LearnersCount()),
        Broken("half is enough", new HalfIsEnough()),
        Broken("reads without the quorum round", new ReadsWithoutRound()),
        Broken("reads before an own entry is committed", new ReadsTooEarly()),
        Broken("a vote for a candidate with an older log", new VotesForOlderLogs()),
        Broken("two votes in one term", new VotesTwice()),
        Broken("appends without the consistency check", new AppendsBlindly()),
        Broken("several changes of members at once", new ChangesAtOnce()),
        Broken("a removed leader goes on", new RemovedLeaderStays()),
        Broken("entries of older terms are committed by counting", new CommitsOlderTerms()),
        Broken("the vote is not persisted", new VoteNotPersisted()),
        Broken("the leader counts its own entry before the sync", new CountsOwnUnsyncedEntry()),
        Broken("a read round number is used again", new ReadRoundReused()),
        Broken("a stale snapshot replaces a newer log", new InstallsStaleSnapshots()),
        Broken("a campaign without a pre-vote", new CampaignsUnasked()),
        Broken("a leader that hears from nobody goes on", new LeadsUnheard()),
        Broken("an old request cuts off newer entries", new CutsOffNewerEntries()),
        Broken("the vote of the last term counts in the next", new VoteOutlivesTerm()),
    ];

    private static Mutation Broken(string name, ConsensusRules rules) => new(name, new OtherRules(rules));

    private sealed class OtherRules(ConsensusRules rules) : Parts
    {
        public override ConsensusRules Rules => rules;
    }

    private sealed class VoteNotPersisted : ConsensusRules
    {
        public override HardState ToPersist(HardState state) => state with { Vote = MemberId.None };
    }

    private sealed class TermNotPersisted : ConsensusRules
    {
        public override HardState ToPersist(HardState state) => state with { Term = new Term(1), Vote = MemberId.None };
    }

    private sealed class PromisesBeforeSync : ConsensusRules
    {
        public override bool WaitsForDisk(Message message) => message.Kind == MessageKind.VoteResponse && message.From == message.To;
    }

    private sealed class CountsOwnUnsyncedEntry : ConsensusRules
    {
        public override LogIndex OwnMatch(LogIndex durable, LogIndex last) => last;
    }

    private sealed class AppliesUnsyncedEntries : ConsensusRules
    {
        public override LogIndex MayHandOut(LogIndex commit, LogIndex durable) => commit;
    }

    private sealed class LearnersCount : ConsensusRules
    {
        public override bool CountsInQuorum(Configuration configuration, MemberId member) => configuration.Contains(member);
    }

    private sealed class HalfIsEnough : ConsensusRules
    {
        public override int QuorumOf(int voters) => Math.Max(1, voters / 2);
    }

    private sealed class CommitsOlderTerms : ConsensusRules
    {
        public override bool MayCommitByCounting(Term entry, Term leader) => true;
    }

    private sealed class ReadsWithoutRound : ConsensusRules
    {
        public override bool NeedsReadRound(int quorum) => false;
    }

    private sealed class ReadsTooEarly : ConsensusRules
    {
        public override bool MayStartReading(Term committed, Term leader) => true;
    }

    private sealed class ReadRoundReused : ConsensusRules
    {
        public override ulong NextReadRound(ulong round) => 1;
    }

    private sealed class VotesForOlderLogs : ConsensusRules
    {
        public override bool IsUpToDate(EntryId candidatesLast, EntryId ownLast) => true;
    }

    private sealed class VotesTwice : ConsensusRules
    {
        public override bool IsVoteFree(MemberId vote, MemberId candidate, MemberId leader) => true;
    }

    private sealed class AppendsBlindly : ConsensusRules
    {
        public override bool LogsAgree(bool holdsPrevious) => true;
    }

    private sealed class InstallsStaleSnapshots : ConsensusRules
    {
        public override bool IsSnapshotNews(EntryId snapshot, LogIndex commit) => true;
    }

    private sealed class ChangesAtOnce : ConsensusRules
    {
        public override bool MayChangeMembers(LogIndex lastChange, LogIndex applied, Term committed, Term leader) => true;
    }

    private sealed class RemovedLeaderStays : ConsensusRules
    {
        public override bool MayLead(Configuration configuration, MemberId member) => true;
    }

    private sealed class CampaignsUnasked : ConsensusRules
    {
        public override bool AsksBeforeCampaigning => false;
    }

    private sealed class LeadsUnheard : ConsensusRules
    {
        public override bool MayGoOnLeading(int heard, int quorum) => true;
    }

    private sealed class CutsOffNewerEntries : ConsensusRules
    {
        public override bool MayStay(bool isTheSame) => false;
    }

    private sealed class VoteOutlivesTerm : ConsensusRules
    {
        public override MemberId VoteInNewTerm(MemberId vote) => vote;
    }
}
