using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <summary>A request that goes through the log: a command, or a change of members.</summary>
internal sealed class PendingRequest(TaskCreationOptions goOn, Admission admission, long deadline, int bytes)
    : PendingAnswer<CommandResult>(goOn, admission, bytes, deadline)
{
    /// <summary>The command's bytes, which become the log entry; of one that is not yet admitted, none.</summary>
    internal ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>The command, kept so that it is not decoded again where it was proposed; null for a change of members.</summary>
    internal Command? Command { get; init; }

    /// <summary>The change of members that is asked for; null for a command.</summary>
    internal ForwardRequest? MembershipRequest { get; init; }

    /// <summary>It was forwarded to this member as the leader: it is not forwarded again.</summary>
    internal bool IsForwarded { get; init; }

    /// <summary>It was sent to another member that may have taken it.</summary>
    internal bool IsSent { get; set; }

    /// <summary>Where it stands in the log, once it does.</summary>
    internal EntryId Entry { get; set; }

    /// <summary>An older request whose entry, of an earlier term, stood at the same index.</summary>
    internal PendingRequest? OlderAtIndex { get; set; }

    /// <summary>What it waits for before it can be appended or forwarded: the refusal if that never comes.</summary>
    internal NodeError WaitsFor { get; set; } = NodeError.NoLeader;

    /// <summary>Encodes the command, by the thread of who proposes it.</summary>
    internal override void Admitted()
    {
        if (Data.IsEmpty && Command is not null)
        {
            var data = new byte[Bytes];
            Command.WriteTo(data);
            Data = data;
        }
    }

    internal override void Take(Node node) => node.TakeRequest(this);

    internal override void Refuse(NodeError error) => Refuse(error, surelyNotDone: !MayBeDone);

    internal override void Expire(Term now) =>
        Refuse(
            !MayBeDone ? WaitsFor : IsSent || Entry.Term == now ? NodeError.Timeout : NodeError.LeaderFailed,
            surelyNotDone: !MayBeDone);

    /// <summary>As it is sent to the leader.</summary>
    internal ForwardRequest ToForwardRequest() =>
        MembershipRequest?.Clone() ?? new ForwardRequest { Command = UnsafeByteOperations.UnsafeWrap(Data) };

    private bool MayBeDone => IsSent || Entry != EntryId.Zero;
}
