using Google.Protobuf.Reflection;
using Raft.Protocol.Etcd;

namespace Raft.Server.Gateway;

/// <summary>Which path of the JSON gateway calls which method: etcd's own, with the older places of three methods on leases.</summary>
internal static class GatewayRoutes
{
    private static readonly Google.Protobuf.Reflection.ServiceDescriptor[] Services =
    [
        KV.Descriptor, Watch.Descriptor, Lease.Descriptor, Cluster.Descriptor, Maintenance.Descriptor, Auth.Descriptor,
        Protocol.Etcd.Locks.Lock.Descriptor, Protocol.Etcd.Elections.Election.Descriptor,
    ];

    private static readonly (string Path, string Method)[] Paths =
    [
        ("/v3/kv/range", "KV/Range"),
        ("/v3/kv/put", "KV/Put"),
        ("/v3/kv/deleterange", "KV/DeleteRange"),
        ("/v3/kv/txn", "KV/Txn"),
        ("/v3/kv/compaction", "KV/Compact"),
        ("/v3/watch", "Watch/Watch"),
        ("/v3/lease/grant", "Lease/LeaseGrant"),
        ("/v3/lease/revoke", "Lease/LeaseRevoke"),
        ("/v3/kv/lease/revoke", "Lease/LeaseRevoke"),
        ("/v3/lease/keepalive", "Lease/LeaseKeepAlive"),
        ("/v3/lease/timetolive", "Lease/LeaseTimeToLive"),
        ("/v3/kv/lease/timetolive", "Lease/LeaseTimeToLive"),
        ("/v3/lease/leases", "Lease/LeaseLeases"),
        ("/v3/kv/lease/leases", "Lease/LeaseLeases"),
        ("/v3/cluster/member/add", "Cluster/MemberAdd"),
        ("/v3/cluster/member/remove", "Cluster/MemberRemove"),
        ("/v3/cluster/member/update", "Cluster/MemberUpdate"),
        ("/v3/cluster/member/list", "Cluster/MemberList"),
        ("/v3/cluster/member/promote", "Cluster/MemberPromote"),
        ("/v3/maintenance/alarm", "Maintenance/Alarm"),
        ("/v3/maintenance/status", "Maintenance/Status"),
        ("/v3/maintenance/defragment", "Maintenance/Defragment"),
        ("/v3/maintenance/hash", "Maintenance/HashKV"),
        ("/v3/maintenance/hashkv", "Maintenance/HashKV"),
        ("/v3/maintenance/snapshot", "Maintenance/Snapshot"),
        ("/v3/maintenance/transfer-leadership", "Maintenance/MoveLeader"),
        ("/v3/maintenance/downgrade", "Maintenance/Downgrade"),
        ("/v3/auth/enable", "Auth/AuthEnable"),
        ("/v3/auth/disable", "Auth/AuthDisable"),
        ("/v3/auth/status", "Auth/AuthStatus"),
        ("/v3/auth/authenticate", "Auth/Authenticate"),
        ("/v3/auth/user/add", "Auth/UserAdd"),
        ("/v3/auth/user/get", "Auth/UserGet"),
        ("/v3/auth/user/list", "Auth/UserList"),
        ("/v3/auth/user/delete", "Auth/UserDelete"),
        ("/v3/auth/user/changepw", "Auth/UserChangePassword"),
        ("/v3/auth/user/grant", "Auth/UserGrantRole"),
        ("/v3/auth/user/revoke", "Auth/UserRevokeRole"),
        ("/v3/auth/role/add", "Auth/RoleAdd"),
        ("/v3/auth/role/get", "Auth/RoleGet"),
        ("/v3/auth/role/list", "Auth/RoleList"),
        ("/v3/auth/role/delete", "Auth/RoleDelete"),
        ("/v3/auth/role/grant", "Auth/RoleGrantPermission"),
        ("/v3/auth/role/revoke", "Auth/RoleRevokePermission"),
        ("/v3/lock/lock", "Lock/Lock"),
        ("/v3/lock/unlock", "Lock/Unlock"),
        ("/v3/election/campaign", "Election/Campaign"),
        ("/v3/election/proclaim", "Election/Proclaim"),
        ("/v3/election/leader", "Election/Leader"),
        ("/v3/election/observe", "Election/Observe"),
        ("/v3/election/resign", "Election/Resign"),
    ];

    /// <summary>Unary methods whose call changes nothing; of Txn nobody knows.</summary>
    private static readonly HashSet<string> Reads =
    [
        "Range", "LeaseTimeToLive", "LeaseLeases", "MemberList", "Status", "HashKV", "AuthStatus", "UserGet", "UserList", "RoleGet",
        "RoleList", "Leader",
    ];

    /// <summary>Whether a call of the method may change something.</summary>
    public static bool MayWrite(MethodDescriptor method) => !Reads.Contains(method.Name);

    /// <summary>Every path with its method.</summary>
    public static IEnumerable<(string Path, MethodDescriptor Method)> All => Paths.Select(static route =>
    {
        var (service, method) = (route.Method.Split('/')[0], route.Method.Split('/')[1]);
        return (route.Path, Services.Single(one => one.Name == service).FindMethodByName(method));
    });
}
