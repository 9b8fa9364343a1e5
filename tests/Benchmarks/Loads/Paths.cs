using Raft.Benchmarks.Http2;

namespace Raft.Benchmarks.Loads;

/// <summary>The paths of etcd's calls.</summary>
internal static class Paths
{
    public static byte[] Put { get; } = Call.PathOf("KV", "Put");

    public static byte[] Range { get; } = Call.PathOf("KV", "Range");

    public static byte[] Txn { get; } = Call.PathOf("KV", "Txn");

    public static byte[] Watch { get; } = Call.PathOf("Watch", "Watch");

    public static byte[] LeaseGrant { get; } = Call.PathOf("Lease", "LeaseGrant");

    public static byte[] LeaseRevoke { get; } = Call.PathOf("Lease", "LeaseRevoke");
}
