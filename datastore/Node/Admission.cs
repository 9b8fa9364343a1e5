namespace Raft.Node;

/// <summary>
/// Sheds load before memory grows: counts the requests that are not answered yet, and their bytes, from the moment a caller
/// hands one in. Any thread.
/// </summary>
internal sealed class Admission(int requestsMax, long bytesMax)
{
    private long _requests;
    private long _bytes;

    /// <summary>Requests that are not answered yet.</summary>
    internal long Requests => Volatile.Read(ref _requests);

    /// <summary>False: too much waits already. One request always fits, however large.</summary>
    internal bool TryEnter(int bytes)
    {
        var requests = Interlocked.Increment(ref _requests);
        var waiting = Interlocked.Add(ref _bytes, bytes);
        if (requests <= requestsMax && (waiting <= bytesMax || requests == 1))
        {
            return true;
        }

        Leave(bytes);
        return false;
    }

    internal void Leave(int bytes)
    {
        Interlocked.Decrement(ref _requests);
        Interlocked.Add(ref _bytes, -bytes);
    }
}
