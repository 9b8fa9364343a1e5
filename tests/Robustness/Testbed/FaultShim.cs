using System.IO.MemoryMappedFiles;

namespace Raft.Robustness.Tests.Testbed;

/// <summary>The clock and the disk of one member, as <c>fault-shim.c</c> lets it see them.</summary>
internal sealed class FaultShim : IDisposable
{
    private const int Size = 4096;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _faults;

    public FaultShim(string path)
    {
        Path = path;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Create, null, Size);
        _faults = _file.CreateViewAccessor();
    }

    public string Path { get; }

    /// <summary>How far the member's clock is from ours.</summary>
    public TimeSpan ClockOffset
    {
        set => _faults.Write(0, value.Ticks * 100);
    }

    /// <summary>How much longer each sync of a file takes.</summary>
    public TimeSpan SyncDelay
    {
        set => _faults.Write(8, value.Ticks / 10);
    }

    /// <summary>Builds the shared library.</summary>
    public static Task CompileAsync(string library) => Shell.RunAsync(
        $"gcc -shared -fPIC -O2 -Wall -o {library} {System.IO.Path.Combine(AppContext.BaseDirectory, "Testbed", "fault-shim.c")} -ldl");

    public void Dispose()
    {
        _faults.Dispose();
        _file.Dispose();
    }
}
