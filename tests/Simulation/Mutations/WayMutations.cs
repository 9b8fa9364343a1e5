using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Mutations;

/// <summary>Rules on the way of a request from a follower to the leader and back, broken one at a time.</summary>
internal static class WayMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        Broken("a lost answer is taken for a lost request", static member => new SendsAgain(member)),
        Broken("a follower reads without asking the leader", static member => new ReadsAlone(member)),
    ];

    private static Mutation Broken(string name, Func<SimulatedMember, IForwarder> forwarder) => new(name, new OtherForwarder(forwarder));

    private sealed class OtherForwarder(Func<SimulatedMember, IForwarder> make) : Parts
    {
        public override IForwarder Forwarder(SimulatedMember member) => make(member);
    }

    private sealed class SendsAgain(SimulatedMember member) : IForwarder
    {
        public async Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation)
        {
            try
            {
                return await member.ForwardAsync(leader, request, cancellation).ConfigureAwait(false);
            }
            catch (ForwardingException error)
            {
                throw new ForwardingException(surelyNotDone: true, error.Message, error);
            }
        }

        public Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation) => member.ReadIndexAsync(leader, cancellation);
    }

    private sealed class ReadsAlone(SimulatedMember member) : IForwarder
    {
        public Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation) =>
            member.ForwardAsync(leader, request, cancellation);

        public Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation) => Task.FromResult(LogIndex.Zero);
    }
}
