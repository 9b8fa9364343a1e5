using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Comparison;

/// <summary>A difference that is meant, or that is etcd's alone. Each has the paragraph of its name in docs/compatibility.md.</summary>
/// <param name="Name">The paragraph's title.</param>
/// <param name="Covers">Is this pair of answers (etcd's, ours) to this request explained by it? As narrow as can be.</param>
internal sealed record Explanation(string Name, Func<IMessage, Answer, Answer, bool> Covers)
{
    private const int SecondsMax = 3;
    private const string NoUser = "etcdserver: user name is empty";
    private const string NoSuchToken = "etcdserver: invalid auth token";
    private const string BareAuthPrefix = "auth: ";

    public static IReadOnlyList<Explanation> All { get; } =
    [
        new("Time left", (_, theirs, ours) => theirs.Message is LeaseTimeToLiveResponse one && ours.Message is LeaseTimeToLiveResponse other
            && one.TTL > 0 && other.TTL > 0 && Math.Abs(one.TTL - other.TTL) <= SecondsMax
            && one.Equals(new LeaseTimeToLiveResponse(other) { TTL = one.TTL })),
        new("Sizes in refusals", (_, theirs, ours) => theirs.Code == StatusCode.ResourceExhausted && ours.Code == theirs.Code
            && theirs.Detail.StartsWith("grpc: received message larger than max", StringComparison.Ordinal)
            && ours.Detail == "Received message exceeds the maximum configured message size."),
        new("Hashes of what is gone", (request, theirs, ours) => request is HashKVRequest && theirs.Message is HashKVResponse
            && ours.Detail == "etcdserver: mvcc: required revision has been compacted"),
        new("Strangers", (request, theirs, ours) => request switch
        {
            LeaseLeasesRequest when ours.Code == StatusCode.PermissionDenied => theirs.Message is not null,
            MoveLeaderRequest or DowngradeRequest or LeaseKeepAliveRequest when ours.Code == StatusCode.PermissionDenied => true,
            _ when ours.Detail is not NoUser and not NoSuchToken => false,
            LeaseKeepAliveRequest or LeaseTimeToLiveRequest or LeaseLeasesRequest or MemberListRequest or MoveLeaderRequest or DowngradeRequest => true,
            AlarmRequest alarm => alarm.Action == AlarmRequest.Types.AlarmAction.Get,
            _ => false,
        }),
        new("Refusals of Maintenance", (_, theirs, ours) => theirs.Code == StatusCode.Unknown
            && theirs.Detail.StartsWith(BareAuthPrefix, StringComparison.Ordinal)
            && ours.Detail == $"etcdserver: {theirs.Detail[BareAuthPrefix.Length..]}"),
        new("Downgrades", (request, theirs, ours) => request is DowngradeRequest { Action: not DowngradeRequest.Types.DowngradeAction.Validate }
            && theirs.Code == StatusCode.Unavailable && theirs.Detail == "etcdserver: request timed out" && ours.Message is DowngradeResponse),
    ];

    /// <summary>The name of what explains two different answers; null: nothing does.</summary>
    public static string? Of(IMessage request, Answer theirs, Answer ours) =>
        All.FirstOrDefault(explanation => explanation.Covers(request, theirs, ours))?.Name;
}
