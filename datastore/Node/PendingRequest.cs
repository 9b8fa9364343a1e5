using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <summary>Something that a caller awaits and that is given up at a certain tick.</summary>
internal interface IExpiring
{
    long Deadline { get; }

    bool IsAnswered { get; }

    void Expire();
}

/// <summary>A request that goes through the log: a command, or a change of members.</summary>
internal sealed class PendingRequest(long deadline) : IExpiring
{
    // Continuations run elsewhere: the loop never runs a caller's code.
    private readonly TaskCompletionSource<CommandResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The command, kept so that it is not decoded again where it was proposed; null for a change of members.</summary>
    internal Command? Command { get; init; }

    /// <summary>The command's bytes, which become the log entry.</summary>
    internal ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The change of members that is asked for; null for a command.</summary>
    internal ForwardRequest? MembershipRequest { get; init; }

    /// <summary>It was forwarded to this member as the leader: it is not forwarded again.</summary>
    internal bool IsForwarded { get; init; }

    /// <summary>Where it stands in the log, once it does.</summary>
    internal EntryId Entry { get; set; }

    internal Task<CommandResult> Answer => _answer.Task;

    public long Deadline => deadline;

    public bool IsAnswered => _answer.Task.IsCompleted;

    public void Expire() => Refuse(Entry == EntryId.Zero ? NodeError.NoLeader : NodeError.Timeout, surelyNotDone: false);

    internal void Complete(CommandResult result) => _answer.TrySetResult(result);

    internal void Complete(IMessage response) => _answer.TrySetResult(new CommandResult(response, null));

    internal void Refuse(NodeError error, bool surelyNotDone = false) =>
        _answer.TrySetException(new RequestRefusedException(error, surelyNotDone));

    internal void Fail(Exception error) => _answer.TrySetException(error);

    /// <summary>As it is sent to the leader.</summary>
    internal ForwardRequest ToForwardRequest(ulong clusterId, MemberId from)
    {
        var request = MembershipRequest?.Clone() ?? new ForwardRequest { Command = UnsafeByteOperations.UnsafeWrap(Data) };
        request.ClusterId = clusterId;
        request.From = from.Value;
        return request;
    }
}
