namespace Raft.Linearizability;

/// <summary>
/// The calls and returns of the operations that have no place in the order yet, by time, as a doubly linked list in which an
/// operation can be taken out and put back in constant time. An unknown outcome has a call only.
/// </summary>
internal sealed class EventList
{
    private readonly int _count;
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly int[] _positions;
    private readonly bool[] _returns;

    public EventList(IReadOnlyList<Operation> operations)
    {
        // Event i is the call of operation i, event count + i its return, and the last one both ends of the list.
        _count = operations.Count;
        _next = new int[(2 * _count) + 1];
        _previous = new int[(2 * _count) + 1];
        _positions = new int[(2 * _count) + 1];
        _returns = [.. operations.Select(operation => operation.Response is not null)];
        var calls = operations.Select((operation, i) => (operation.Invoked, IsReturn: false, Event: i));
        var returns = operations.Select((operation, i) => (operation.Returned, IsReturn: true, Event: _count + i)).Where(entry => _returns[entry.Event - _count]);
        var last = End;
        foreach (var (_, _, entry) in calls.Concat(returns).Order())
        {
            _positions[entry] = _positions[last] + 1;
            _next[last] = entry;
            _previous[entry] = last;
            last = entry;
        }
        _next[last] = End;
        _previous[End] = last;
    }

    /// <summary>The operation that was answered first of all; null when only unknown outcomes are left.</summary>
    public int? FirstReturn
    {
        get
        {
            for (var entry = _next[End]; entry != End; entry = _next[entry])
            {
                if (entry >= _count)
                    return entry - _count;
            }
            return null;
        }
    }

    private int End => 2 * _count;

    /// <summary>The operations that were invoked before <see cref="FirstReturn"/>, or at the same moment.</summary>
    public IEnumerable<int> CallsBeforeFirstReturn()
    {
        for (var entry = _next[End]; entry < _count; entry = _next[entry])
            yield return entry;
    }

    /// <summary>Whether one operation was answered before another, whether they still are in the list or not.</summary>
    public bool ReturnsBefore(int one, int other) => _positions[_count + one] < _positions[_count + other];

    public void Remove(int operation)
    {
        Unlink(operation);
        if (_returns[operation])
            Unlink(_count + operation);
    }

    /// <summary>Undoes <see cref="Remove"/>; the last removed must be put back first.</summary>
    public void PutBack(int operation)
    {
        if (_returns[operation])
            Relink(_count + operation);
        Relink(operation);
    }

    private void Unlink(int entry)
    {
        _next[_previous[entry]] = _next[entry];
        _previous[_next[entry]] = _previous[entry];
    }

    private void Relink(int entry)
    {
        _next[_previous[entry]] = entry;
        _previous[_next[entry]] = entry;
    }
}
