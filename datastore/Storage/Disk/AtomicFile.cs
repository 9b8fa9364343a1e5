namespace Raft.Storage.Disk;

/// <summary>
/// Replaces a small file so that after a crash either the old or the new content is there, whole: write beside, sync, rename,
/// sync the names.
/// </summary>
internal static class AtomicFile
{
    public const string TemporarySuffix = ".tmp";

    public static void Write(IDisk disk, string name, ReadOnlySpan<byte> content)
    {
        var temporary = name + TemporarySuffix;
        using (var file = disk.Create(temporary, 0))
        {
            file.Write(0, content);
            file.Sync();
        }

        disk.Rename(temporary, name);
        disk.SyncNames();
    }

    public static byte[] Read(IDisk disk, string name)
    {
        using var file = disk.Open(name);
        var content = new byte[file.LengthBytes];
        var read = file.Read(0, content);
        return read == content.Length ? content : content[..read];
    }
}
