using System.Collections.Concurrent;

namespace Raft.Node;

/// <summary>
/// All that reaches the loop from outside, in order. Many threads post, the loop drains; a post wakes the loop only when it
/// may be asleep, so a burst costs one wake-up.
/// </summary>
internal sealed class Inbox(Action wake)
{
    private readonly ConcurrentQueue<Action> _inputs = new();
    private int _isAwake;

    internal void Post(Action input)
    {
        _inputs.Enqueue(input);
        if (Interlocked.Exchange(ref _isAwake, 1) == 0)
        {
            wake();
        }
    }

    /// <summary>Runs all that waits now, and what comes meanwhile up to a bound, so that a turn ends.</summary>
    internal bool Drain(int inputsMax)
    {
        // Before the first look: a post after it either is seen below or wakes the loop again.
        Volatile.Write(ref _isAwake, 0);
        Interlocked.MemoryBarrier();
        var count = 0;
        while (count < inputsMax && _inputs.TryDequeue(out var input))
        {
            input();
            count++;
        }

        if (count == inputsMax)
        {
            wake();
        }

        return count > 0;
    }
}
