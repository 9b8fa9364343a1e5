using System.Threading.Channels;
using Raft.Node;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>
/// The leader's end of a <see cref="ForwardLink"/>: requests go in as they come, answers go back as they are there. What waits for
/// a member that does not read is bounded: above, an answer is replaced by a refusal, which is small; and who leaves too many of
/// those unread is given up.
/// </summary>
internal sealed class ForwardReception(PeerConnection connection, PeerOptions options, IPeerInbox inbox)
{
    private const int FrameAnswersMax = 1024;

    /// <summary>For what a frame has beside its answers, and an answer beside its response.</summary>
    private const int OverheadBytes = 64 * 1024;

    private readonly Channel<ForwardAnswer> _answers = Channel.CreateUnbounded<ForwardAnswer>(new() { SingleReader = true });
    private long _unsentBytes;
    private int _unsent;

    /// <summary>One answer has to fit into a frame together with what came before it.</summary>
    private int AnswerBytesMax => options.ReceivedFrameBytesMax - options.FrameBytesMax - OverheadBytes;

    /// <summary>Has the member carry them out. Their answers wait for <see cref="SendAnswersAsync"/>.</summary>
    /// <exception cref="InvalidDataException">The other side asks and asks, and reads no answer.</exception>
    public void Take(IEnumerable<ForwardRequest> requests, CancellationToken cancellation)
    {
        foreach (var request in requests)
        {
            if (Volatile.Read(ref _unsent) >= options.UnsentAnswersMax)
            {
                throw new InvalidDataException($"{options.UnsentAnswersMax} answers wait, which the other side does not read");
            }

            _ = AnswerAsync(request, cancellation);
        }
    }

    /// <summary>Sends answers, all that wait in one frame, until it is cancelled.</summary>
    public async Task SendAnswersAsync(CancellationToken cancellation)
    {
        while (await _answers.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            var frame = new PeerReply();
            long bytes = 0;
            while (bytes < options.FrameBytesMax && frame.Answers.Count < FrameAnswersMax && _answers.Reader.TryRead(out var answer))
            {
                frame.Answers.Add(answer);
                bytes += answer.CalculateSize();
            }

            await connection.WriteAsync(frame).ConfigureAwait(false);
            Interlocked.Add(ref _unsent, -frame.Answers.Count);
            Interlocked.Add(ref _unsentBytes, -bytes);
        }
    }

    private async Task AnswerAsync(ForwardRequest request, CancellationToken cancellation)
    {
        var answer = new ForwardAnswer { Number = request.Number };
        try
        {
            answer.Response = request.RequestCase == ForwardRequest.RequestOneofCase.ReadIndex
                ? new() { Index = (await inbox.ReadIndexAsync(cancellation).ConfigureAwait(false)).Value }
                : await inbox.ForwardAsync(request, cancellation).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            answer.Refusal = Refusals.ToWire(error);
        }

        Add(answer);
    }

    private void Add(ForwardAnswer answer)
    {
        Interlocked.Increment(ref _unsent);
        var bytes = (uint)answer.CalculateSize(); // above two GiB it would be negative
        var reason = bytes > AnswerBytesMax ? $"it has {bytes} bytes, and members give one another at most {AnswerBytesMax}"
            : !TryTakeRoom(bytes) ? $"{options.UnsentAnswerBytesMax} bytes of answers wait"
            : null;
        if (reason is not null)
        {
            answer.Refusal = Refusals.ToWire(new RequestRefusedException(NodeError.AnswerLost(reason)));
            Interlocked.Add(ref _unsentBytes, answer.CalculateSize());
        }

        _answers.Writer.TryWrite(answer);
    }

    /// <summary>What does not fit takes nothing, not even for a moment, in which another would not fit because of it. What is alone fits.</summary>
    private bool TryTakeRoom(long bytes)
    {
        var before = Volatile.Read(ref _unsentBytes);
        while (before == 0 || before + bytes <= options.UnsentAnswerBytesMax)
        {
            var found = Interlocked.CompareExchange(ref _unsentBytes, before + bytes, before);
            if (found == before)
            {
                return true;
            }

            before = found;
        }

        return false;
    }
}
