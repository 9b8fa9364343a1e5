namespace Raft.Differential.Tests.Requests;

/// <summary>What a sequence may be about.</summary>
[Flags]
internal enum Feature
{
    None = 0,
    Maintenance = 1,
    Alarms = 2,
    Leases = 4,
    Watches = 8,
    Auth = 16,
    Coordination = 32,
    All = Maintenance | Alarms | Leases | Watches | Auth | Coordination,
}
