using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;

namespace Raft.KeyValue.Watching;

/// <summary>Walks over the changes of the past, in order, as a view still shows them.</summary>
/// <param name="reader">The view's state.</param>
internal sealed class ChangeScan(IStateReader reader) : IDisposable
{
    private readonly IForwardCursor _cursor = reader.OpenCursor();

    /// <summary>Where the change stands.</summary>
    public ChangePosition Position => KeyLayout.PositionOf(_cursor.Key);

    /// <summary>What is stored of it (<see cref="StoredChange"/>); valid until the next move.</summary>
    public ReadOnlySpan<byte> Record => _cursor.Value;

    /// <summary>Whether it stands on a change.</summary>
    public bool Stands { get; private set; }

    /// <summary>Moves to the first change of a revision, or of the next that has one.</summary>
    public void Seek(long revision) =>
        Stands = _cursor.SeekAtOrAfter(KeyLayout.ChangeKey(new(Math.Max(0, revision), 0))) && _cursor.Key[0] == KeyLayout.Changes;

    public void MoveNext() => Stands = _cursor.MoveNext() && _cursor.Key[0] == KeyLayout.Changes;

    public void Dispose() => _cursor.Dispose();
}
