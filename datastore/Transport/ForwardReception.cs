using System.Threading.Channels;
using Grpc.Core;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>The leader's end of a <see cref="ForwardLink"/>: requests go in as they come, answers go back as they are there.</summary>
internal sealed class ForwardReception(
    IAsyncStreamReader<ForwardFrame> requests, IServerStreamWriter<ForwardAnswers> answers, PeerOptions options, IPeerInbox inbox)
{
    private const int FrameAnswersMax = 1024;

    private readonly Channel<ForwardAnswer> _answers = Channel.CreateUnbounded<ForwardAnswer>(new() { SingleReader = true });

    /// <exception cref="RpcException">The sender is refused.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var writing = WriteAsync(cancellation);
        try
        {
            for (var isFirst = true; await requests.MoveNext(cancellation).ConfigureAwait(false); isFirst = false)
            {
                Check(requests.Current, isFirst);
                foreach (var request in requests.Current.Requests)
                {
                    _ = AnswerAsync(request, cancellation);
                }
            }
        }
        finally
        {
            _answers.Writer.TryComplete();
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Check(ForwardFrame frame, bool isFirst)
    {
        try
        {
            PeerHandshake.CheckSender(frame.ClusterId, frame.From, options, inbox);
        }
        catch (RpcException refusal) when (!isFirst)
        {
            // Of what came before on this stream some was taken: the mark that nothing was would be wrong.
            throw new RpcException(refusal.Status);
        }
    }

    private async Task AnswerAsync(ForwardRequest request, CancellationToken cancellation)
    {
        var answer = new ForwardAnswer { Number = request.Number };
        try
        {
            answer.Response = await inbox.ForwardAsync(request, cancellation).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            answer.Refusal = Refusals.ToWire(error);
        }

        _answers.Writer.TryWrite(answer);
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        while (await _answers.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            var frame = new ForwardAnswers();
            for (var bytes = 0; bytes < options.FrameBytesMax && frame.Answers.Count < FrameAnswersMax
                && _answers.Reader.TryRead(out var answer); bytes += answer.CalculateSize())
            {
                frame.Answers.Add(answer);
            }

            await answers.WriteAsync(frame, cancellation).ConfigureAwait(false);
        }
    }
}
