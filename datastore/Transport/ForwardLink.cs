using System.Threading.Channels;
using Raft.Consensus;
using Raft.Node;
using Raft.Node.Ports;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>
/// A follower's requests on their way to one leader: a stream that is opened when the first request comes, and anew after it
/// broke. All that waits goes into one frame, so that under load a request costs its bytes and not a call of its own.
/// </summary>
/// <param name="peer">The leader.</param>
/// <param name="url">Where it is called.</param>
/// <param name="options">Settings.</param>
internal sealed class ForwardLink(MemberId peer, string url, PeerOptions options) : IDisposable
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
                _stream = new Stream(peer, url, options, _stop.Token);
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

        public Stream(MemberId peer, string url, PeerOptions options, CancellationToken stop)
        {
            (_url, _options) = (url, options);
            _ = Task.Run(() => RunAsync(peer, stop), CancellationToken.None);
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

        private async Task RunAsync(MemberId peer, CancellationToken stop)
        {
            Exception? problem = null;
            try
            {
                using var connection = await PeerDialer.OpenAsync(_url, peer, _options, stop).ConfigureAwait(false);
                using var aborting = stop.UnsafeRegister(static connection => ((PeerConnection)connection!).Abort(), connection);
                await connection.RunAsync(stopped => SendAsync(connection, stopped), () => ReceiveAsync(connection)).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                problem = error;
            }

            End(problem);
        }

        private async Task SendAsync(PeerConnection connection, CancellationToken cancellation)
        {
            while (await _queue.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            {
                var frame = new PeerFrame();
                for (long bytes = 0; bytes < _options.FrameBytesMax && frame.Requests.Count < FrameRequestsMax
                    && _queue.Reader.TryRead(out var request); bytes += request.Command.Length)
                {
                    frame.Requests.Add(request);
                }

                Volatile.Write(ref _lastSent, frame.Requests[^1].Number);
                await connection.WriteAsync(frame).ConfigureAwait(false);
            }
        }

        private async Task ReceiveAsync(PeerConnection connection)
        {
            while (await connection.ReadAsync(PeerReply.Parser).ConfigureAwait(false) is { } reply)
            {
                foreach (var answer in reply.Answers)
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

                PeerHandshake.ThrowIfRefused(reply);
            }
        }

        private TaskCompletionSource<ForwardResponse>? Take(ulong number)
        {
            lock (_unanswered)
            {
                return _unanswered.Remove(number, out var answer) ? answer : null;
            }
        }

        /// <summary>What was not sent was surely not done: nothing is before the other side has said that it takes it.</summary>
        private void End(Exception? problem)
        {
            KeyValuePair<ulong, TaskCompletionSource<ForwardResponse>>[] left;
            lock (_unanswered)
            {
                HasEnded = true;
                left = [.. _unanswered];
                _unanswered.Clear();
            }

            var text = problem is null ? $"{_url}: the other side closed the stream" : PeerDialer.Explain(problem, _url);
            foreach (var (number, answer) in left)
            {
                answer.SetException(new ForwardingException(number > Volatile.Read(ref _lastSent), text, problem));
            }
        }
    }
}
