using Google.Protobuf;
using Grpc.Core;

namespace Raft.Differential.Tests.Comparison;

/// <summary>What came back: a message, or a status that is not OK.</summary>
internal sealed record Answer(IMessage? Message, StatusCode Code = StatusCode.OK, string Detail = "")
{
    public static Answer Of(RpcException refusal) => new(null, refusal.StatusCode, refusal.Status.Detail);

    public override string ToString() => Message is null ? $"{Code}: {Detail}" : MessageText.Of(Message);
}
