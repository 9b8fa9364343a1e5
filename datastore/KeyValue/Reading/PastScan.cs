using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Reading;

/// <summary>
/// The past: living keys whose newest pair is old enough, merged in key order with the history entries that were visible at
/// the revision. A key may be in both keyspaces; at most one of its pairs is visible.
/// </summary>
internal sealed class PastScan : IPairScan
{
    private readonly long _revision;
    private readonly BoundedCursor _living;
    private readonly BoundedCursor _history;
    private BoundedCursor? _visible;

    public PastScan(IStateReader reader, KeyRange range, long revision)
    {
        _revision = revision;
        _living = new BoundedCursor(reader.OpenCursor(), KeyLayout.LivingKey(range.First), range.LivingEnd());
        _history = new BoundedCursor(reader.OpenCursor(), KeyLayout.HistoryKey(range.First, 0), range.HistoryEnd());
    }

    public ReadOnlySpan<byte> Pair => _visible!.Pair;

    public bool MoveNext()
    {
        LeaveVisible();
        while (_living.Stands || _history.Stands)
        {
            var order = CompareKeys();
            if (order <= 0)
            {
                if (new StoredPair(_living.Pair).ModRevision <= _revision)
                {
                    _visible = _living;
                    return true;
                }
                _living.MoveNext();
            }
            if (order >= 0 && SeekVisibleInHistory())
            {
                _visible = _history;
                return true;
            }
        }
        return false;
    }

    public void Dispose()
    {
        _living.Dispose();
        _history.Dispose();
    }

    private void LeaveVisible()
    {
        if (_visible is null) return;
        if (_visible == _living)
        {
            if (CompareKeys() == 0) SkipKeyInHistory();
            _living.MoveNext();
        }
        else
        {
            SkipKeyInHistory();
        }
        _visible = null;
    }

    /// <summary>A side that has come to its end counts as the greatest key.</summary>
    private int CompareKeys() => (_living.Stands, _history.Stands) switch
    {
        (true, true) => new StoredPair(_living.Pair).Key.SequenceCompareTo(new StoredPair(_history.Pair).Key),
        (true, false) => -1,
        (false, true) => 1,
        _ => 0,
    };

    /// <summary>
    /// Goes to the first entry of this key that ended after the revision. True: it had begun by then. False: the key did not
    /// exist at the revision, and history stands on a later key.
    /// </summary>
    private bool SeekVisibleInHistory()
    {
        if (KeyLayout.SupersededAt(_history.Key) <= _revision)
        {
            var userKey = new StoredPair(_history.Pair).Key.ToArray();
            _history.Seek(KeyLayout.HistoryKey(userKey, _revision + 1));
            if (!_history.Stands || !new StoredPair(_history.Pair).Key.SequenceEqual(userKey)) return false;
        }
        if (new StoredPair(_history.Pair).ModRevision <= _revision) return true;
        SkipKeyInHistory();
        return false;
    }

    private void SkipKeyInHistory()
    {
        var userKey = new StoredPair(_history.Pair).Key.ToArray();
        _history.MoveNext();
        if (_history.Stands && new StoredPair(_history.Pair).Key.SequenceEqual(userKey))
            _history.Seek(KeyLayout.HistoryKey(userKey, long.MaxValue));
    }

    private sealed class BoundedCursor : IDisposable
    {
        private readonly IForwardCursor _cursor;
        private readonly byte[] _end;

        public BoundedCursor(IForwardCursor cursor, byte[] first, byte[] end)
        {
            (_cursor, _end) = (cursor, end);
            Seek(first);
        }

        public bool Stands { get; private set; }

        public ReadOnlySpan<byte> Key => _cursor.Key;

        public ReadOnlySpan<byte> Pair => _cursor.Value;

        public void Seek(byte[] key) => Stands = _cursor.SeekAtOrAfter(key) && IsInside();

        public void MoveNext() => Stands = _cursor.MoveNext() && IsInside();

        public void Dispose() => _cursor.Dispose();

        private bool IsInside() => _cursor.Key.SequenceCompareTo(_end) < 0;
    }
}
