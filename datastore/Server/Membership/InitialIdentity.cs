using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Server.Options;
using Raft.Storage;
using Raft.Transport;

namespace Raft.Server.Membership;

/// <summary>Who a member with an empty data directory becomes, if its settings say so.</summary>
internal static class InitialIdentity
{
    /// <summary>
    /// A first member of a new cluster. All of them compute the same ids from the same settings, as in etcd, so that nobody
    /// has to hand ids out.
    /// </summary>
    public static MemberIdentity OfNewCluster(ServerOptions options)
    {
        var members = options.InitialCluster
            .GroupBy(member => member.Name, member => member.PeerUrl)
            .Select(member => new InitialMember(
                Hash($"member {options.InitialClusterToken} {string.Join(' ', member.Order())}"), member.Key, [.. member.Order()], false))
            .OrderBy(member => member.Id)
            .ToList();
        return new MemberIdentity
        {
            ClusterId = Hash($"cluster {options.InitialClusterToken} {string.Join(' ', members.Select(member => member.Id))}"),
            MemberId = members.Single(member => member.Name == options.Name).Id,
            Name = options.Name,
            FormedCluster = true,
            InitialMembers = members,
        };
    }

    /// <summary>A member that was added to a running cluster: the others know it by its peer URLs.</summary>
    /// <exception cref="CannotStartException">The cluster does not answer or does not know this member as a new one.</exception>
    public static async Task<MemberIdentity> OfRunningClusterAsync(ServerOptions options, PeerOptions peers, CancellationToken cancellation)
    {
        var own = options.AdvertisePeerUrls.Select(SettingList.Canonical).ToHashSet();
        var others = options.InitialCluster.Select(member => member.PeerUrl).Where(url => !own.Contains(url)).ToList();
        try
        {
            var answer = await PeerTransport.MembersAsync(others, peers, cancellation);
            var self = answer.Members.FirstOrDefault(member => member.PeerURLs.Any(own.Contains))
                ?? throw new CannotStartException(
                    $"The cluster has no member with the peer URL {string.Join(',', own)}. Add it first: etcdctl member add {options.Name} --peer-urls=...");
            if (self.Name.Length > 0)
            {
                throw new CannotStartException(
                    $"Member {self.ID:x} has been started before, with data that is not in '{options.DataDirectory}'. A member must not come back "
                    + "without what it has acknowledged: remove it from the cluster and add it again.");
            }

            return new MemberIdentity
            {
                ClusterId = answer.ClusterId,
                MemberId = self.ID,
                Name = options.Name,
                FormedCluster = false,
                InitialMembers = [.. answer.Members.Select(member => new InitialMember(member.ID, member.Name, [.. member.PeerURLs], member.IsLearner))],
            };
        }
        catch (RpcException error)
        {
            throw new CannotStartException($"No member of --initial-cluster says who is in the cluster: {error.Status.Detail}");
        }
    }

    /// <summary>The first members, as the cluster lists them.</summary>
    public static IReadOnlyList<Member> MembersOf(MemberIdentity identity) =>
    [
        .. identity.InitialMembers.Select(initial => new Member
        {
            ID = initial.Id,
            Name = initial.Name,
            IsLearner = initial.IsLearner,
            PeerURLs = { initial.PeerUrls },
        }),
    ];

    private static ulong Hash(string text) => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))) | 1;
}

/// <summary>The member cannot start; the message says why and what to do. Nothing was changed.</summary>
internal sealed class CannotStartException(string message) : Exception(message);
