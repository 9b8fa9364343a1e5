using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Mutations;

/// <summary>Rules of leases and of their time, broken one at a time.</summary>
internal static class LeaseMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("a lease is kept alive without the quorum round", new OtherRules(new AsksNobody())),
        new("a new leader goes on with the times that it knew", new OtherRules(new GoesOnWithOldTimes())),
        new("a lease whose end was proposed is kept alive", new OtherRules(new Revives())),
        new("a follower keeps leases alive by itself", new KeptByFollower()),
        new("a lease lives half its time", new OtherOptions(static options => options with { TickMs = 2 * options.TickMs })),
        new("nobody ends leases", new OtherOptions(static options => options with { LeasesEndedPerTick = 0 })),
    ];

    private sealed class OtherRules(LeaseRules rules) : Parts
    {
        public override NodeOptions Options(NodeOptions options) => options with { LeaseRules = rules };
    }

    private sealed class OtherOptions(Func<NodeOptions, NodeOptions> change) : Parts
    {
        public override NodeOptions Options(NodeOptions options) => change(options);
    }

    private sealed class AsksNobody : LeaseRules
    {
        public override bool AsksQuorum => false;
    }

    private sealed class GoesOnWithOldTimes : LeaseRules
    {
        public override long DueAnew(long known, long full) => known > 0 ? known : full;
    }

    private sealed class Revives : LeaseRules
    {
        public override bool MayRevive => true;
    }

    private sealed class KeptByFollower : Parts
    {
        public override IForwarder Forwarder(SimulatedMember member) => new KeepsAliveHere(member);
    }

    private sealed class KeepsAliveHere(SimulatedMember member) : IForwarder
    {
        public Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation)
        {
            if (request.LeaseKeepAlive is not { } kept)
                return member.ForwardAsync(leader, request, cancellation);
            using var view = member.Node!.Store.OpenView();
            return Task.FromResult(new ForwardResponse { LeaseKeepAlive = new LeaseKeepAliveResponse { ID = kept.ID, TTL = view.LeaseTtl(kept.ID) ?? 0 } });
        }

        public Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation) => member.ReadIndexAsync(leader, cancellation);
    }
}
