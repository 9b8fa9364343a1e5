using System.Net.Sockets;

namespace Raft.Transport;

/// <summary>
/// A connection whose reader has a thread of its own, which sleeps until something comes. The kernel then wakes this very thread; a
/// read that is awaited takes three hand-overs from thread to thread. What is sent is sent by whoever has it.
/// </summary>
internal sealed class PeerSocketStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private volatile int _reader;

    /// <summary>Runs what reads from here, and awaits nothing else for long, on a thread of its own.</summary>
    public Task ReadOnOwnThreadAsync(Func<Task> read)
    {
        var reading = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            _reader = Environment.CurrentManagedThreadId;
            var result = read();
            _reader = 0;
            reading.SetResult(result);
        });
        (thread.IsBackground, thread.Name) = (true, "peer");
        thread.Start();
        return reading.Task.Unwrap();
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_reader != Environment.CurrentManagedThreadId)
        {
            return base.ReadAsync(buffer, cancellationToken);
        }

        try
        {
            // A read that blocks would be woken by way of the thread that watches all sockets; this one waits in the kernel.
            Socket.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectRead);
            return new(Socket.Receive(buffer.Span));
        }
        catch (SocketException error)
        {
            return ValueTask.FromException<int>(new IOException(error.Message, error));
        }
        catch (ObjectDisposedException error)
        {
            return ValueTask.FromException<int>(error);
        }
    }

    /// <summary>Ends reads and writes that are under way.</summary>
    public void Abort()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }

        Dispose();
    }
}
