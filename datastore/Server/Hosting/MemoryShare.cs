namespace Raft.Server.Hosting;

/// <summary>How many things of a size the memory has room for that this process may use; a container's limit counts.</summary>
internal static class MemoryShare
{
    /// <param name="parts">One of so many parts of the memory is meant for them.</param>
    /// <param name="bytesEach">What one of them takes.</param>
    public static int CountOf(int parts, int bytesEach) =>
        (int)Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / parts / bytesEach, 1000, int.MaxValue);
}
