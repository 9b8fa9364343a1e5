using Raft.Consensus;

namespace Raft.Simulation.Tests.Mutations;

/// <summary>A rule broken on purpose, to prove that the simulator would notice.</summary>
internal sealed record Mutation(string Name, Parts Parts)
{
    /// <summary>All of them; a few hundred seeds notice each.</summary>
    public static IReadOnlyList<Mutation> Noticed { get; } =
    [
        Core("the term is not persisted", new TermNotPersisted()),
        Core("votes and acknowledgements leave before the sync", new PromisesBeforeSync()),
        Core("entries are applied before the sync", new AppliesUnsyncedEntries()),
        Core("learners count in quorums", new LearnersCount()),
        Core("half is enough", new HalfIsEnough()),
        Core("reads without the quorum round", new ReadsWithoutRound()),
        Core("reads before an own entry is committed", new ReadsTooEarly()),
        Core("a vote for a candidate with an older log", new VotesForOlderLogs()),
        Core("two votes in one term", new VotesTwice()),
        Core("appends without the consistency check", new AppendsBlindly()),
        Core("several changes of members at once", new ChangesAtOnce()),
        Core("a removed leader goes on", new RemovedLeaderStays()),
        Core("entries of older terms are committed by counting", new CommitsOlderTerms()),
        Core("the vote is not persisted", new VoteNotPersisted()),
        Core("the leader counts its own entry before the sync", new CountsOwnUnsyncedEntry()),
        Core("a read round number is used again", new ReadRoundReused()),
        Core("a stale snapshot replaces a newer log", new InstallsStaleSnapshots()),
    ];

    private static Mutation Core(string name, ConsensusRules rules) => new(name, new OtherRules(rules));

    /// <summary>Runs seeds until one notices.</summary>
    /// <returns>The seed and what it said; null if none did.</returns>
    public (ulong Seed, string? CaughtBy) Hunt(ulong from, int seeds)
    {
        for (var seed = from; seed < from + (ulong)seeds; seed++)
        {
            var failure = SimulatorCommand.Failure(() => new Simulator(seed, Parts).Run());
            if (failure is not null)
                return (seed, failure.Split('\n')[0]);
        }

        return (0, null);
    }

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
}
