using Raft.InMemory;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Ports;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>Counts what is read of the past, and lets something happen, once, before a view of it is walked.</summary>
internal sealed class MeasuredStore : IOrderedStore
{
    private readonly InMemoryOrderedStore _below = new();

    /// <summary>Changes that cursors came to.</summary>
    public int ChangesWalked { get; private set; }

    /// <summary>Changes that were looked up one by one.</summary>
    public int ChangesLookedUp { get; private set; }

    public Action? BeforeCursor { get; set; }

    public IOrderedReader OpenView() => new View(this, _below.OpenView());

    public void Write(OrderedBatch batch) => _below.Write(batch);

    public byte[]? Get(ReadOnlySpan<byte> key) => _below.Get(key);

    public IOrderedCursor OpenCursor() => _below.OpenCursor();

    public void Dispose() => _below.Dispose();

    private sealed class View(MeasuredStore of, IOrderedReader view) : IOrderedReader
    {
        public byte[]? Get(ReadOnlySpan<byte> key)
        {
            if (key[0] == KeyLayout.Changes) of.ChangesLookedUp++;
            return view.Get(key);
        }

        public IOrderedCursor OpenCursor()
        {
            var happens = of.BeforeCursor;
            of.BeforeCursor = null;
            happens?.Invoke();
            return new Cursor(of, view.OpenCursor());
        }

        public void Dispose() => view.Dispose();
    }

    private sealed class Cursor(MeasuredStore of, IOrderedCursor cursor) : IOrderedCursor
    {
        public ReadOnlySpan<byte> Key => cursor.Key;

        public ReadOnlySpan<byte> Value => cursor.Value;

        public bool SeekAtOrAfter(ReadOnlySpan<byte> key) => Count(cursor.SeekAtOrAfter(key));

        public bool SeekAtOrBefore(ReadOnlySpan<byte> key) => Count(cursor.SeekAtOrBefore(key));

        public bool MoveNext() => Count(cursor.MoveNext());

        public bool MovePrevious() => Count(cursor.MovePrevious());

        public void Dispose() => cursor.Dispose();

        private bool Count(bool stands)
        {
            if (stands && cursor.Key[0] == KeyLayout.Changes) of.ChangesWalked++;
            return stands;
        }
    }
}
