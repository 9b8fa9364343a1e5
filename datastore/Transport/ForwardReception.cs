using System.Threading.Channels;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>The leader's end of a <see cref="ForwardLink"/>: requests go in as they come, answers go back as they are there.</summary>
internal sealed class ForwardReception(PeerConnection connection, PeerOptions options, IPeerInbox inbox)
{
    private const int FrameAnswersMax = 1024;

    private readonly Channel<ForwardAnswer> _answers = Channel.CreateUnbounded<ForwardAnswer>(new() { SingleReader = true });

    /// <summary>Has the member carry them out. Their answers wait for <see cref="SendAnswersAsync"/>.</summary>
    public void Take(IEnumerable<ForwardRequest> requests, CancellationToken cancellation)
    {
        foreach (var request in requests)
        {
            _ = AnswerAsync(request, cancellation);
        }
    }

    /// <summary>Sends answers, all that wait in one frame, until it is cancelled.</summary>
    public async Task SendAnswersAsync(CancellationToken cancellation)
    {
        while (await _answers.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            var frame = new PeerReply();
            for (var bytes = 0; bytes < options.FrameBytesMax && frame.Answers.Count < FrameAnswersMax
                && _answers.Reader.TryRead(out var answer); bytes += answer.CalculateSize())
            {
                frame.Answers.Add(answer);
            }

            await connection.WriteAsync(frame).ConfigureAwait(false);
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

        _answers.Writer.TryWrite(answer);
    }
}
