namespace Raft.Robustness.Tests.Testbed;

/// <summary>A small file system of one member alone, so that it can be full for it alone.</summary>
internal sealed class MemberDisk(string folder)
{
    private const string Size = "512m";

    public string DataDirectory => Path.Combine(folder, "data");

    private string Ballast => Path.Combine(folder, "ballast");

    public async Task MountAsync()
    {
        Directory.CreateDirectory(folder);
        await Shell.RunAsync($"mount -t tmpfs -o size={Size} raft-robustness {folder}");
    }

    public async Task FillAsync()
    {
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (free > 0)
            await Shell.TryAsync($"fallocate -l {free} {Ballast}");
    }

    public void Free() => File.Delete(Ballast);

    /// <summary>Blank again, as a new disk in the place of one that was lost.</summary>
    public void Wipe()
    {
        if (Directory.Exists(DataDirectory))
            Directory.Delete(DataDirectory, recursive: true);
    }
}
