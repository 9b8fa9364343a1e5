using System.Collections.Concurrent;

namespace Raft.Node;

/// <summary>One thing that reaches the loop from outside.</summary>
internal abstract class Input
{
    /// <summary>What it may add to the log, and so to the write of the turn that takes it.</summary>
    internal virtual int Bytes => 0;

    /// <summary>Called by the loop, once.</summary>
    internal abstract void Take(Node node);

    /// <summary>Called instead when the node has stopped: nobody will take it any more.</summary>
    internal virtual void Refuse(NodeError error)
    {
    }
}

/// <summary>
/// All that reaches the loop from outside, in order. Many threads post, the loop drains. A post wakes the loop only if it may
/// be asleep: whoever runs the loop has to call it until it finds nothing, and so a burst costs one wake-up.
/// </summary>
internal sealed class Inbox(Action wake)
{
    private readonly ConcurrentQueue<Input> _inputs = new();
    private volatile NodeError? _closedWith;
    private int _isAwake;

    internal void Post(Action input) => Post(new Call(input));

    internal void Post(Input input)
    {
        if (_closedWith is { } error)
        {
            input.Refuse(error);
            return;
        }

        _inputs.Enqueue(input);
        if (Volatile.Read(ref _isAwake) == 0 && Interlocked.Exchange(ref _isAwake, 1) == 0)
        {
            wake();
        }

        if (_closedWith is not null)
        {
            RefuseAll();
        }
    }

    /// <summary>
    /// Takes all that waits now, and what comes meanwhile up to a bound, so that a turn ends, and that what it writes to the log
    /// needs no large buffers on its way to the disk and to the followers.
    /// </summary>
    /// <returns>Whether there was anything; if not, the next post wakes the loop.</returns>
    internal bool Drain(Node node, int inputsMax, int bytesMax)
    {
        if (_inputs.IsEmpty)
        {
            // A post after this line wakes the loop; one before it is seen below.
            Interlocked.Exchange(ref _isAwake, 0);
            if (_inputs.IsEmpty)
            {
                return false;
            }

            Volatile.Write(ref _isAwake, 1);
        }

        var bytes = 0L;
        for (var count = 0; count < inputsMax && bytes < bytesMax && _inputs.TryDequeue(out var input); count++)
        {
            bytes += input.Bytes;
            input.Take(node);
        }

        return true;
    }

    /// <summary>The node has stopped: what waits, and all that still comes, is refused.</summary>
    internal void Close(NodeError error)
    {
        _closedWith = error;
        RefuseAll();
    }

    private void RefuseAll()
    {
        while (_inputs.TryDequeue(out var input))
        {
            input.Refuse(_closedWith!);
        }
    }

    private sealed class Call(Action call) : Input
    {
        internal override void Take(Node node) => call();
    }
}
