using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.Reflection;
using Raft.Differential.Tests.Requests;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Comparison;

/// <summary>
/// What one server calls by names of its own: its ids, and the leases whose ids it chose. Puts them into requests for
/// <see cref="Symbols"/>, and takes them out of answers again, together with what differs between any two servers.
/// </summary>
internal sealed class Masks
{
    /// <summary>Of all sequences: watchers are told of the past.</summary>
    private readonly List<long> _leases = [];
    private int _earlierLeases;
    private ulong _member;

    /// <summary>Learned once, from any header.</summary>
    public void LearnMember(ulong id) => _member = id;

    /// <summary>Leases belong to a sequence; members stay.</summary>
    public void Forget() => _earlierLeases = _leases.Count;

    /// <summary>A copy of the request as this server understands it.</summary>
    /// <param name="request">With symbols.</param>
    /// <param name="now">The store's revision.</param>
    public T Resolve<T>(T request, long now)
        where T : IMessage
    {
        var copy = MessageFields.Copy(request);
        MessageFields.Rewrite(copy, (_, value) => value switch
        {
            long number when Symbols.IsRevision(number, out var offset) => Math.Max(0, now + offset),
            long number when Symbols.IsLease(number) => LeaseOf(number),
            Symbols.OwnMember => _member,
            _ => value,
        });
        return (T)copy;
    }

    /// <summary>Takes out of an answer what is this server's own.</summary>
    public void Hide(IMessage request, IMessage response)
    {
        if (response is LeaseGrantResponse grant && request is LeaseGrantRequest { ID: 0 }) _leases.Add(grant.ID);
        HideOwn(response);
        switch (response)
        {
            case MemberListResponse list:
                foreach (var member in list.Members) Hide(member);
                break;
            case StatusResponse status:
                Hide(status);
                break;
            case HashKVResponse hash:
                (hash.Hash, hash.HashRevision, hash.CompactRevision) = (0, 0, 0);
                break;
            case HashResponse hash:
                hash.Hash = 0;
                break;
            case LeaseLeasesResponse leases:
                Sort(leases);
                break;
            case LeaseTimeToLiveResponse { Keys.Count: > 0 } lease:
                Sort(lease.Keys);
                break;
            case AuthenticateResponse authenticated:
                authenticated.Token = "";
                break;
        }
    }

    /// <summary>Ids only.</summary>
    public void HideOwn(IMessage response) => MessageFields.Rewrite(response, HideField);

    private object HideField(FieldDescriptor field, object value)
    {
        if (field.ContainingType == ResponseHeader.Descriptor && field.Name is "cluster_id" or "member_id" or "raft_term") return 0UL;
        return value switch
        {
            ulong number when number == _member => Symbols.OwnMember,
            long number when field.Name is "lease" or "ID" && _leases.IndexOf(number) is var slot and >= 0 => Symbols.Lease(slot - _earlierLeases),
            _ => value,
        };
    }

    private long LeaseOf(long symbol)
    {
        for (var slot = _earlierLeases; slot < _leases.Count; slot++)
            if (Symbols.Lease(slot - _earlierLeases) == symbol) return _leases[slot];
        return 8; // Not granted: as unknown on one side as on the other.
    }

    private static void Hide(Member member)
    {
        member.Name = "";
        member.PeerURLs.Clear();
        member.ClientURLs.Clear();
    }

    private void Hide(StatusResponse status)
    {
        (status.Version, status.StorageVersion, status.DowngradeInfo) = ("", "", null);
        (status.DbSize, status.DbSizeInUse, status.DbSizeQuota) = (0, 0, 0);
        (status.RaftIndex, status.RaftTerm, status.RaftAppliedIndex) = (0, 0, 0);
        for (var i = 0; i < status.Errors.Count; i++) status.Errors[i] = status.Errors[i].Replace($"{_member}", "own", StringComparison.Ordinal);
    }

    /// <summary>In no order, in etcd.</summary>
    private static void Sort(RepeatedField<ByteString> keys)
    {
        var sorted = keys.Order(Comparer<ByteString>.Create((left, right) => left.Span.SequenceCompareTo(right.Span))).ToList();
        keys.Clear();
        keys.AddRange(sorted);
    }

    /// <summary>By time left, in etcd: of leases granted in one second, in no order.</summary>
    private static void Sort(LeaseLeasesResponse response)
    {
        var sorted = response.Leases.OrderBy(lease => lease.ID).ToList();
        response.Leases.Clear();
        response.Leases.AddRange(sorted);
    }
}
