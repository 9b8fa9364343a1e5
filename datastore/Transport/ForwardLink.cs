using System.Threading.Channels;
using Grpc.Core;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>
/// A follower's requests on their way to one leader: a stream that is opened when the first request comes, and anew after it
/// broke. All that waits goes into one frame, so that under load a request costs its bytes and not a call of its own.
/// </summary>
/// <param name="call">Opens a stream.</param>
/// <param name="url">Where it leads, for people.</param>
/// <param name="options">Settings.</param>
internal sealed class ForwardLink(
    Func<CancellationToken, AsyncDuplexStreamingCall<ForwardFrame, ForwardAnswers>> call, string url, PeerOptions options) : IDisposable
{
    private readonly Lock _opening = new();
    private readonly CancellationTokenSource _stop = new();
    private Stream? _stream;
    private bool _disposed;

    /// <summary>Sends a request; its answer comes when the leader has applied it.</summary>
    /// <exception cref="ForwardingException">It did not get there, or its answer did not get back.</exception>
    /// <exception cref="RequestRefusedException">The leader's refusal.</exception>
    /// <exception cref="CommandRefusedException">The state machine's refusal.</exception>
    public Task<ForwardResponse> SendAsync(ForwardRequest request)
    {
        while (true)
        {
            if (Current() is not { } stream)
            {
                return Task.FromException<ForwardResponse>(new ForwardingException(true, $"{url}: the connection was closed"));
            }

            if (stream.TrySend(request) is { } answer)
            {
                return answer;
            }
        }
    }

    /// <summary>Closes the stream; what became of unanswered requests stays open.</summary>
    public void Dispose()
    {
        lock (_opening)
        {
            if (!_disposed)
            {
                _disposed = true;
                _stop.Cancel();
            }
        }
    }

    private Stream? Current()
    {
        lock (_opening)
        {
            if (_disposed)
            {
                return null;
            }

            if (_stream is null or { HasEnded: true })
            {
                _stream = new Stream(call, url, options, _stop.Token);
            }

            return _stream;
        }
    }

    /// <summary>One stream, from its opening to its end.</summary>
    private sealed class Stream
    {
        private const int FrameRequestsMax = 1024;

        private readonly Channel<ForwardRequest> _queue = Channel.CreateUnbounded<ForwardRequest>(new() { SingleReader = true });
        private readonly Dictionary<ulong, TaskCompletionSource<ForwardResponse>> _unanswered = [];
        private readonly string _url;
        private readonly PeerOptions _options;
        private ulong _lastNumber;
        private ulong _lastSent;

        public Stream(
            Func<CancellationToken, AsyncDuplexStreamingCall<ForwardFrame, ForwardAnswers>> open, string url, PeerOptions options,
            CancellationToken stop)
        {
            (_url, _options) = (url, options);
            _ = Task.Run(() => RunAsync(open, stop), CancellationToken.None);
        }

        public bool HasEnded { get; private set; }

        /// <returns>The answer to come; null: this stream takes nothing more.</returns>
        public Task<ForwardResponse>? TrySend(ForwardRequest request)
        {
            // Continuations only leave an input for the node's loop, so they may run where the answer is read.
            var answer = new TaskCompletionSource<ForwardResponse>();
            lock (_unanswered)
            {
                if (HasEnded)
                {
                    return null;
                }

                request.Number = ++_lastNumber;
                _unanswered.Add(request.Number, answer);
                _queue.Writer.TryWrite(request);
            }

            return answer.Task;
        }

        private async Task RunAsync(
            Func<CancellationToken, AsyncDuplexStreamingCall<ForwardFrame, ForwardAnswers>> open, CancellationToken stop)
        {
            Exception? problem = null;
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
            try
            {
                using var stream = open(ended.Token);
                var (writing, reading) = (WriteAsync(stream.RequestStream, ended.Token), ReadAsync(stream.ResponseStream, ended.Token));
                await Task.WhenAny(writing, reading).ConfigureAwait(false);
                await ended.CancelAsync().ConfigureAwait(false);
                await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await reading.ConfigureAwait(false);
            }
            catch (Exception error)
            {
                problem = error;
            }

            End(problem);
        }

        private async Task WriteAsync(IClientStreamWriter<ForwardFrame> stream, CancellationToken cancellation)
        {
            while (await _queue.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            {
                var frame = new ForwardFrame { ClusterId = _options.ClusterId, From = _options.Self.Value };
                for (long bytes = 0; bytes < _options.FrameBytesMax && frame.Requests.Count < FrameRequestsMax
                    && _queue.Reader.TryRead(out var request); bytes += request.Command.Length)
                {
                    frame.Requests.Add(request);
                }

                Volatile.Write(ref _lastSent, frame.Requests[^1].Number);
                await stream.WriteAsync(frame, cancellation).ConfigureAwait(false);
            }
        }

        private async Task ReadAsync(IAsyncStreamReader<ForwardAnswers> stream, CancellationToken cancellation)
        {
            while (await stream.MoveNext(cancellation).ConfigureAwait(false))
            {
                foreach (var answer in stream.Current.Answers)
                {
                    if (Take(answer.Number) is not { } asked)
                    {
                        continue;
                    }

                    if (answer.OutcomeCase == ForwardAnswer.OutcomeOneofCase.Response)
                    {
                        asked.SetResult(answer.Response);
                    }
                    else
                    {
                        asked.SetException(Refusals.FromWire(answer.Refusal ?? new(), _url));
                    }
                }
            }
        }

        private TaskCompletionSource<ForwardResponse>? Take(ulong number)
        {
            lock (_unanswered)
            {
                return _unanswered.Remove(number, out var answer) ? answer : null;
            }
        }

        /// <summary>What was not sent, or was refused before it was looked at, was surely not done.</summary>
        private void End(Exception? problem)
        {
            KeyValuePair<ulong, TaskCompletionSource<ForwardResponse>>[] left;
            lock (_unanswered)
            {
                HasEnded = true;
                left = [.. _unanswered];
                _unanswered.Clear();
            }

            var wasTaken = problem is not RpcException error || !Refusals.WasNotTaken(error);
            var text = problem is RpcException explained ? PeerChannel.Explain(explained, _url)
                : $"{_url}: {problem?.Message ?? "the other side closed the stream"}";
            foreach (var (number, answer) in left)
            {
                answer.SetException(new ForwardingException(!wasTaken || number > Volatile.Read(ref _lastSent), text, problem));
            }
        }
    }
}
