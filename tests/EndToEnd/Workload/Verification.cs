using Google.Protobuf;
using Raft.EndToEnd.Tests.Environment;
using Raft.Protocol.Etcd;

namespace Raft.EndToEnd.Tests.Workload;

/// <summary>Whether every member, asked alone, holds every write that was ever acknowledged, and all hold the same.</summary>
internal static class Verification
{
    private const int PageSize = 4000;
    private static readonly TimeSpan CatchUpPatience = TimeSpan.FromSeconds(60);
    private static readonly ByteString First = ByteString.CopyFromUtf8("load/");
    private static readonly ByteString PastLast = ByteString.CopyFromUtf8("load0");

    /// <summary>Compares each member's own state with the acknowledgements. Nobody may write meanwhile.</summary>
    /// <returns>The number of acknowledged writes that some member lacks, and the first of them in words.</returns>
    public static async Task<(int Lost, IReadOnlyList<string> Examples)> CompareAsync(
        IReadOnlyList<MemberConnection> members, IReadOnlyDictionary<string, string> acknowledged, long revision)
    {
        var examples = new List<string>();
        var lost = new HashSet<string>();
        foreach (var member in members)
        {
            await CaughtUpAsync(member, revision);
            var held = await ReadAllAsync(member);
            foreach (var (key, value) in acknowledged)
            {
                if (held.TryGetValue(key, out var found) && found == value)
                    continue;
                lost.Add(key);
                if (examples.Count < 10)
                    examples.Add($"{member.Name} holds {found ?? "nothing"} for {key}, acknowledged as {value}");
            }
        }

        return (lost.Count, examples);
    }

    /// <summary>Equal revisions must have equal hashes. Null: they do; otherwise what each member says.</summary>
    public static async Task<string?> HashDifferenceAsync(IReadOnlyList<MemberConnection> members, long revision)
    {
        var hashes = new List<string>();
        foreach (var member in members)
        {
            var hash = await member.Maintenance.HashKVAsync(new HashKVRequest { Revision = revision });
            hashes.Add($"{hash.Hash:x8} compacted at {hash.CompactRevision}");
        }

        return hashes.Distinct().Count() <= 1 ? null : string.Join(", ", members.Zip(hashes, (member, hash) => $"{member.Name}: {hash}"));
    }

    private static Task CaughtUpAsync(MemberConnection member, long revision) =>
        Until.NothingIsMissingAsync($"{member.Name} at revision {revision}", CatchUpPatience, async stop =>
        {
            var one = new RangeRequest { Key = First, Serializable = true };
            var answer = await member.KeyValue.RangeAsync(one, cancellationToken: stop);
            return answer.Header.Revision >= revision ? null : $"it is at {answer.Header.Revision}";
        });

    private static async Task<Dictionary<string, string>> ReadAllAsync(MemberConnection member)
    {
        var held = new Dictionary<string, string>();
        for (var from = First; ;)
        {
            var page = await member.KeyValue.RangeAsync(
                new RangeRequest { Key = from, RangeEnd = PastLast, Limit = PageSize, Serializable = true },
                deadline: DateTime.UtcNow.AddSeconds(30));
            foreach (var pair in page.Kvs)
                held[pair.Key.ToStringUtf8()] = pair.Value.ToStringUtf8();
            if (!page.More)
                return held;
            from = ByteString.CopyFrom([.. page.Kvs[^1].Key.Span, 0]);
        }
    }
}
