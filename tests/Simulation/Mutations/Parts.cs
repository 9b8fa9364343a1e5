using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Simulation.Tests.Disks;
using Raft.Simulation.Tests.Members;
using Raft.Storage.Disk;

namespace Raft.Simulation.Tests.Mutations;

/// <summary>What a member is made of. A mutation puts something in between that breaks one rule.</summary>
internal class Parts
{
    /// <summary>As it should be.</summary>
    public static Parts Sound { get; } = new();

    public virtual ConsensusRules Rules => ConsensusRules.Standard;

    public virtual IDisk Disk(IDisk disk) => disk;

    public virtual RecoveredLog Recovered(RecoveredLog log) => log;

    public virtual IWriteAheadLog Log(SimulatedLog log) => log;

    public virtual IStateStore Store(SimulatedStore store) => store;

    public virtual NodeOptions Options(NodeOptions options) => options;

    public virtual IForwarder Forwarder(SimulatedMember member) => member;
}
