using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Raft.Server.Services;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>
/// The metadata that puts a request into a session, as lines of HTTP headers; the first byte says of which method. A name that stands in
/// several lines has several values.
/// </summary>
internal sealed class MetadataTarget : IFuzzTarget
{
    private const int LinesMax = 100;

    private static readonly string[] Methods =
    [
        "/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range", "/etcdserverpb.Cluster/MemberAdd", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];

    public string Name => "metadata";

    public long AllocationBytesMax => 16 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        yield return ("none", [0]);
        yield return ("stamp", [0, .. "raft-session: 28672000000000000\nraft-sequence: 2\nraft-acknowledged: 1\n"u8]);
        yield return ("largest", [0, .. "raft-session: 18446744073709551615\nraft-sequence: 18446744073709551615\n"u8]);
        yield return ("twice", [0, .. "raft-session: 1\nraft-session: 2\nraft-sequence: 1\n"u8]);
        yield return ("read", [1, .. "raft-session: 1\nraft-sequence: 1\n"u8]);
        yield return ("members", [2, .. "raft-session: 1\nraft-sequence: 1\n"u8]);
        yield return ("reflection", [3, .. "raft-session: 1\nraft-sequence: 1\n"u8]);
    }

    public string Run(byte[] input)
    {
        var call = new Call(Methods[input.Length > 0 ? input[0] % Methods.Length : 0]);
        var headers = call.GetHttpContext().Request.Headers;
        foreach (var line in Encoding.Latin1.GetString(input.AsSpan(Math.Min(1, input.Length))).Split('\n', LinesMax))
        {
            if (line.Split(": ", 2) is [{ Length: > 0 } name, var value])
                headers.Append(name, value);
        }

        try
        {
            SessionMetadata.Check(call);
            if (SessionMetadata.Stamp(call) is not { } stamp)
                return "taken (no session)";
            return stamp.Session > 0 && stamp.Sequence > stamp.Acknowledged && WithoutZeros(headers["raft-session"]) == $"{stamp.Session}"
                ? "taken"
                : throw new FuzzFindingException($"a stamp that says nothing, or something else than was sent: {stamp}");
        }
        catch (RpcException refusal) when (refusal.StatusCode == StatusCode.InvalidArgument && refusal.Status.Detail.StartsWith("raftserver: ", StringComparison.Ordinal))
        {
            return "refused";
        }
    }

    /// <summary>Zeros before a number are no other number.</summary>
    private static string WithoutZeros(string? sent) => sent?.TrimStart('0') ?? "";
}
