using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Raft.Simulation.Tests.Disks;
using Message = Raft.Consensus.Message;

namespace Raft.Simulation.Tests.Members;

/// <content>What the node asks of the world beside its disks: the way to the other members, and threads for its watchers.</content>
internal sealed partial class SimulatedMember : IPeers, IForwarder
{
    public void Update(IReadOnlyDictionary<MemberId, IReadOnlyList<string>> peerUrls)
    {
    }

    public void Send(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            MayDie();
            _simulator.Checker.Sends(message, Watch.Memory.HardState.Term, Log!.Durable.HardState, HoldsDurably);
            _simulator.Checker.Campaigns(message, Node!.Status.Consensus, Watch.Configuration.Quorum);
            _simulator.Network.Send(message);
        }
    }

    public void SendSnapshot(Message message, IStateSnapshot snapshot, Action<bool> completed)
    {
        MayDie();
        _simulator.Network.SendSnapshot(message, ((SimulatedStore.Snapshot)snapshot).Content, completed);
    }

    public Task<ForwardResponse> ForwardAsync(MemberId leader, ForwardRequest request, CancellationToken cancellation) =>
        _simulator.Network.CallAsync(Id, leader, node => node.ForwardedAsync(request));

    public Task<LogIndex> ReadIndexAsync(MemberId leader, CancellationToken cancellation) =>
        _simulator.Network.CallAsync(Id, leader, node => node.ReadIndexAsync());

    /// <summary>Watchers are told by another thread, when it comes to it.</summary>
    private void DispatchSoon(int incarnation)
    {
        if (incarnation != Incarnation || _isDispatchDue)
            return;
        _isDispatchDue = true;
        After(Random.Below(20), () =>
        {
            _isDispatchDue = false;
            Node!.Watches.Dispatch();
        });
    }

    /// <summary>And by one more they are told of the past.</summary>
    private void CatchUpSoon(int incarnation)
    {
        if (incarnation != Incarnation || _isCatchUpDue)
            return;
        _isCatchUpDue = true;
        // What is there to read up on, in steps of a single change if need be, must fit into the time for healing.
        After(Random.Below(_simulator.IsHealing ? 4 : 20), () =>
        {
            _isCatchUpDue = false;
            if (Node!.Watches.CatchUp())
                CatchUpSoon(incarnation);
        });
    }
}
