namespace Raft.KeyValue.Leases;

/// <summary>A lease.</summary>
/// <param name="Id">Never 0.</param>
/// <param name="TtlSeconds">How long it lives without being kept alive.</param>
public readonly record struct GrantedLease(long Id, long TtlSeconds);

/// <summary>What a command did to a lease.</summary>
/// <param name="Lease">The lease.</param>
/// <param name="IsGranted">It came into being; otherwise it ended.</param>
public readonly record struct LeaseChange(GrantedLease Lease, bool IsGranted);
