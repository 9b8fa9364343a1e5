namespace Raft.Storage.Disk;

/// <summary>
/// One folder of a disk, with just the operations that durability is made of. The seam at which tests and the simulator put
/// disks that tear, lose and fail. Errors are <see cref="IOException"/>s.
/// </summary>
public interface IDisk
{
    /// <summary>Names of the files in the folder, sorted.</summary>
    IReadOnlyList<string> List();

    /// <summary>What to call a file in messages to people: its full path on a real disk.</summary>
    string Describe(string name);

    /// <summary>Creates a file of this length, its space reserved and reading as zeros. An old file of this name is lost.</summary>
    IDiskFile Create(string name, long lengthBytes);

    /// <summary>Opens a file that exists, to read and write.</summary>
    IDiskFile Open(string name);

    /// <summary>Gives a file another name, replacing what had it. Durable after <see cref="SyncNames"/>.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file. Durable after <see cref="SyncNames"/>.</summary>
    void Delete(string name);

    /// <summary>Makes creations, renames and deletions durable.</summary>
    void SyncNames();
}

/// <summary>An open file. One writer; not thread-safe.</summary>
public interface IDiskFile : IDisposable
{
    /// <summary>Its present length in bytes.</summary>
    long LengthBytes { get; }

    /// <summary>Fills the buffer from this offset as far as the file goes; gives the bytes read.</summary>
    int Read(long offset, Span<byte> buffer);

    /// <summary>Writes all of it, or throws and leaves any part written.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Makes all that was written, and the length, durable.</summary>
    void Sync();

    /// <summary>Cuts off or extends; what is added reads as zeros.</summary>
    void SetLength(long lengthBytes);
}
