namespace Raft.Linearizability;

/// <summary>
/// Records what clients ask and are answered. Clients may call it at the same time; each gives the time of its own call, taken
/// before the request leaves and after the answer has come.
/// </summary>
public sealed class History
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Operation> _operations = [];
    private long _last;

    /// <summary>All operations so far, in the order in which they were invoked.</summary>
    public IReadOnlyList<Operation> Operations
    {
        get
        {
            lock (_gate)
                return [.. _operations.OrderBy(entry => entry.Value.Invoked).ThenBy(entry => entry.Key).Select(entry => entry.Value)];
        }
    }

    /// <summary>A request is about to be sent. Until it is answered, its outcome is unknown.</summary>
    public long Invoke(int client, Request request, long now)
    {
        lock (_gate)
        {
            _operations.Add(++_last, new Operation(client, now, request));
            return _last;
        }
    }

    /// <summary>The answer came.</summary>
    public void Return(long operation, Response response, long now)
    {
        lock (_gate)
        {
            var invoked = _operations[operation];
            _operations[operation] = Operation.Answered(invoked.Client, invoked.Invoked, now, invoked.Request, response);
        }
    }

    /// <summary>The request is known to have had no effect and never to have one, such as one that was refused for its form.</summary>
    public void Forget(long operation)
    {
        lock (_gate)
            _operations.Remove(operation);
    }
}
