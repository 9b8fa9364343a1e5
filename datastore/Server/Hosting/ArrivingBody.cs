using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;
using Raft.Node;
using Raft.Server.Services;

namespace Raft.Server.Hosting;

/// <summary>
/// The body of a request while it arrives. It takes room for what is there, not for what is announced, and gives up a body that
/// does not come: such a request would keep its place for ever.
/// </summary>
/// <param name="body">The body.</param>
/// <param name="room">What the request has; it is to be given back when the request is answered.</param>
/// <param name="time">The clock.</param>
/// <param name="isStream">It may stay open for ever and bring nothing. Room is taken only for what is not consumed yet.</param>
/// <param name="stopping">This member stops, and waits for nobody.</param>
internal sealed class ArrivingBody(
    PipeReader body, ByteBudget.Room room, TimeProvider time, bool isStream = false, CancellationToken stopping = default) : IDisposable
{
    /// <summary>Smaller ones take no room: they are bounded well enough by how many calls may be open (see <see cref="OpenCalls"/>).</summary>
    public const int LargeBytes = 4 * 1024;

    /// <summary>What has to come within a <see cref="Window"/>, if it is not the end: slower than any client that is there.</summary>
    public const int WindowBytes = 16 * 1024;

    /// <summary>How often a body has to have grown.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _over = isStream ? new() : new(Window, time);
    private long _consumed;
    private long _examined;
    private long _windowStart;
    private bool _isRead;

    /// <summary>Why nothing more is read.</summary>
    public Status Refusal { get; private set; }

    /// <summary>What is there and not consumed.</summary>
    public ReadOnlySequence<byte> Buffer { get; private set; }

    /// <summary>Whether nothing more comes.</summary>
    public bool IsCompleted { get; private set; }

    /// <summary>Waits for more than is there. False: there is none to wait for, see <see cref="Refusal"/>.</summary>
    public async ValueTask<bool> TryReadAsync()
    {
        ReadResult read;

        // A token in its place would leave HTTP/1.1 in a read, and unable to pass over the rest.
        await using (_over.Token.UnsafeRegister(static body => ((PipeReader)body!).CancelPendingRead(), body))
        await using (stopping.UnsafeRegister(static over => ((CancellationTokenSource)over!).Cancel(), _over))
        {
            read = await body.ReadAsync();
        }

        (Buffer, IsCompleted, _isRead) = (read.Buffer, read.IsCompleted, true);
        if (_over.IsCancellationRequested)
        {
            Refusal = stopping.IsCancellationRequested
                ? Refusals.ToStatus(NodeError.Stopped).Status
                : new(
                    StatusCode.DeadlineExceeded,
                    $"raftserver: the request does not arrive: less than {WindowBytes} bytes in {Window.TotalSeconds} seconds");
            return false;
        }

        var arrived = _consumed + Buffer.Length;
        if (!isStream && arrived - _windowStart >= WindowBytes)
        {
            _windowStart = arrived;
            _over.CancelAfter(Window);
        }

        return TryCharge(isStream ? Buffer.Length : arrived);
    }

    /// <summary>Sees to it that the request has room for so many bytes. False: there is none.</summary>
    public bool TryCharge(long bytes)
    {
        var more = (bytes < LargeBytes ? 0 : bytes) - room.Bytes;
        if (more > 0 && !room.TryTake(more))
        {
            Refusal = Refusals.ToStatus(NodeError.TooManyRequests).Status;
            return false;
        }

        return true;
    }

    /// <summary>What is before it is done with; there is nothing to be had from the rest until more comes.</summary>
    public void AdvanceTo(SequencePosition consumed)
    {
        var rest = Buffer.Slice(consumed).Length;
        _consumed += Buffer.Length - rest;
        _examined = rest;
        Advance(consumed, Buffer.End);
        if (isStream)
        {
            room.GiveBack(room.Bytes - (rest < LargeBytes ? 0 : rest));
        }
    }

    /// <summary>Leaves what was read last to the next reader, which finds all that is there at once.</summary>
    public void Leave() => Advance(Buffer.Start, Buffer.GetPosition(Math.Min(_examined, Buffer.Length)));

    /// <summary>Ends a wait for more.</summary>
    public void GiveUp() => _over.Cancel();

    public void Dispose()
    {
        if (_isRead)
        {
            Advance(Buffer.End, Buffer.End);
        }

        _over.Dispose();
    }

    private void Advance(SequencePosition consumed, SequencePosition examined)
    {
        _isRead = false;
        body.AdvanceTo(consumed, examined);
    }
}
