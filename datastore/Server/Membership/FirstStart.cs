using Raft.Protocol.V1;
using Raft.Server.Options;
using Raft.Storage;
using Raft.Transport;

namespace Raft.Server.Membership;

/// <summary>
/// A first member of a new cluster has the same id whenever it starts with an empty data directory. If it has taken part before, it
/// has voted and acknowledged, and without its data it would do both again: the cluster could lose what was committed. The other
/// first members know.
/// </summary>
internal static class FirstStart
{
    /// <summary>
    /// Asks the other first members whether this one has been started before. Those that do not answer are passed over: when a
    /// cluster is formed, somebody has to be the first.
    /// </summary>
    /// <exception cref="CannotStartException">It has been.</exception>
    public static async Task EnsureAsync(MemberIdentity founder, ServerOptions options, PeerOptions peers, CancellationToken cancellation)
    {
        var others = options.InitialCluster.Where(member => member.Name != options.Name).ToList();
        var answers = await PeerTransport.MembersByAllAsync([.. others.Select(other => other.PeerUrl)], peers, cancellation);
        foreach (var (url, answer) in answers.Where(asked => asked.Answer.ClusterId == founder.ClusterId))
        {
            if (Problem(founder.MemberId, answer) is { } problem)
            {
                var by = others.First(other => other.PeerUrl == url).Name;
                throw new CannotStartException(
                    $"Member {founder.Name} ({founder.MemberId:x}) {problem}, says member {by} at {url}, but '{options.DataDirectory}' is empty. "
                    + "A member must not come back without what it has voted and acknowledged. Give it its data directory back; or have it "
                    + $"join as a new member: etcdctl member remove {founder.MemberId:x} (if it is still listed), then etcdctl member add "
                    + $"{founder.Name} --peer-urls={string.Join(',', options.AdvertisePeerUrls.Select(SettingList.Canonical))}, then start it with "
                    + "--initial-cluster-state=existing. Nothing was changed.");
            }
        }
    }

    /// <summary>
    /// A member that is started calls the others at once, and publishes its client URLs when there is a leader. All members' lists
    /// begin with the first members, so that one that is not in them was removed; only one that has just joined has no list yet.
    /// </summary>
    private static string? Problem(ulong founder, MembersResponse answer)
    {
        var self = answer.Members.FirstOrDefault(member => member.ID == founder);
        return self switch
        {
            null when answer.Members.Count > 0 => "was removed from the cluster",
            { ClientURLs.Count: > 0 } => "has been started before",
            _ when answer.Heard.Contains(founder) => "has been started before",
            _ => null,
        };
    }
}
