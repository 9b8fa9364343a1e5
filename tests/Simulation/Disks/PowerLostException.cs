namespace Raft.Simulation.Tests.Disks;

/// <summary>Power is cut at this very step: nothing after it happens.</summary>
internal sealed class PowerLostException : Exception;
