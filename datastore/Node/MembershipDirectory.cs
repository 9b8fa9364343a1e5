using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Protocol.Etcd;

namespace Raft.Node;

/// <summary>
/// Names and URLs of the members, beside the configuration, which knows only ids. Part of the replicated state: changed by
/// applied entries alone. Ids of removed members are kept, so that they can be told, and are never given out again.
/// </summary>
internal sealed class MembershipDirectory
{
    private static ReadOnlySpan<byte> Name => "members"u8;

    private static ReadOnlySpan<byte> RemovedName => "removed"u8;

    internal ImmutableSortedDictionary<ulong, Member> Members
    {
        get;
        private set
        {
            field = value;
            List = [.. value.Values];
        }
    }

    = ImmutableSortedDictionary<ulong, Member>.Empty;

    internal ImmutableHashSet<ulong> Removed { get; private set; } = [];

    /// <summary>All members, the voters' and learners' flags as the configuration has them.</summary>
    internal IReadOnlyList<Member> List { get; private set; } = [];

    internal IReadOnlyDictionary<MemberId, IReadOnlyList<string>> PeerUrls =>
        Members.ToDictionary(member => new MemberId(member.Key), member => (IReadOnlyList<string>)[.. member.Value.PeerURLs]);

    internal void Load(KeyValueStore store)
    {
        using var view = store.OpenView();
        var list = view.GetNodeValue(Name) is { } bytes ? MemberListResponse.Parser.ParseFrom(bytes) : new();
        Members = list.Members.ToImmutableSortedDictionary(member => member.ID, member => member);
        Removed = view.GetNodeValue(RemovedName) is { } removed
            ? [.. Encoding.ASCII.GetString(removed).Split(',', StringSplitOptions.RemoveEmptyEntries).Select(ParseId)]
            : [];
    }

    internal void Set(IEnumerable<Member> members) =>
        Members = members.ToImmutableSortedDictionary(member => member.ID, member => member);

    internal void Apply(ConfigurationChange change, Member described)
    {
        var id = change.Member.Value;
        switch (change.Kind)
        {
            case ConfigurationChangeKind.AddLearner or ConfigurationChangeKind.AddVoter:
                var added = described.Clone();
                added.ID = id;
                added.IsLearner = change.Kind == ConfigurationChangeKind.AddLearner;
                Members = Members.SetItem(id, added);
                break;
            case ConfigurationChangeKind.PromoteLearner when Members.TryGetValue(id, out var learner):
                var promoted = learner.Clone();
                promoted.IsLearner = false;
                Members = Members.SetItem(id, promoted);
                break;
            case ConfigurationChangeKind.RemoveMember:
                Members = Members.Remove(id);
                Removed = Removed.Add(id);
                break;
        }
    }

    /// <summary>Changes what is known of a member; nothing if it is gone.</summary>
    internal void Update(ulong id, Action<Member> change)
    {
        if (Members.TryGetValue(id, out var member))
        {
            var changed = member.Clone();
            change(changed);
            Members = Members.SetItem(id, changed);
        }
    }

    internal void Write(StoreTransaction transaction)
    {
        transaction.PutNodeValue(Name, new MemberListResponse { Members = { Members.Values } }.ToByteArray());
        transaction.PutNodeValue(RemovedName, Encoding.ASCII.GetBytes(string.Join(',', Removed.Order().Select(FormatId))));
    }

    private static string FormatId(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);

    private static ulong ParseId(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
