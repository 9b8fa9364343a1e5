using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Raft.Differential.Tests.Comparison;
using Raft.Differential.Tests.Requests;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Servers;

/// <summary>One server with what a client of it remembers in a sequence: tokens, streams, the names that are its own.</summary>
internal sealed class Side : IAsyncDisposable
{
    /// <summary>Longer than a busy machine can make an answer take: what takes this long never comes.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(120);

    private readonly ServerProcess _process;
    private readonly GrpcChannel _channel;
    private readonly CallInvoker _invoker;
    private readonly Masks _masks = new();
    private readonly Dictionary<string, string> _tokens = [];
    private readonly WatchStream?[] _streams = new WatchStream?[WatchStep.StreamCount];
    private bool _isDisposed;

    private Side(string name, ServerProcess process)
    {
        Name = name;
        _process = process;
        _channel = GrpcChannel.ForAddress(
            process.ClientUrl, new GrpcChannelOptions { MaxSendMessageSize = null, MaxReceiveMessageSize = null });
        _invoker = _channel.CreateCallInvoker();
    }

    public string Name { get; }

    /// <summary>Whether anything is watched.</summary>
    public bool HasStreams => _streams.Any(stream => stream is not null);

    public static async Task<Side> ConnectAsync(string name, Task<ServerProcess> starting)
    {
        var side = new Side(name, await starting);
        try
        {
            var status = await new Maintenance.MaintenanceClient(side._channel).StatusAsync(new(), deadline: DateTime.UtcNow + AnswerMax);
            side._masks.LearnMember(status.Header.MemberId);
            return side;
        }
        catch
        {
            await side.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next sequence begins: another client, so to say.</summary>
    public void Forget()
    {
        _masks.Forget();
        _tokens.Clear();
    }

    /// <summary>Sends a request and waits for its answer, from which all is gone that is this server's own.</summary>
    /// <exception cref="ServerDiedException">There is no server any more.</exception>
    public async Task<Answer> CallAsync(Call call, long now)
    {
        try
        {
            var request = _masks.Resolve(call.Request, now);
            var options = new CallOptions(MetadataOf(call.User), DateTime.UtcNow + AnswerMax);
            var response = request is LeaseKeepAliveRequest keepAlive
                ? await KeepAliveAsync(keepAlive, options)
                : await RpcTable.CallAsync(_invoker, request, options);
            if (response is AuthenticateResponse authenticated) _tokens[((AuthenticateRequest)request).Name] = authenticated.Token;
            _masks.Hide(request, response);
            return new Answer(response);
        }
        catch (RpcException refusal)
        {
            await DieIfDeadAsync(refusal.StatusCode, call);
            return Answer.Of(refusal);
        }
    }

    /// <summary>Sends a message on a stream, and waits until the server has dealt with it.</summary>
    /// <returns>To a creation its answer; otherwise whether there was a sign of it.</returns>
    public async Task<Answer> WatchAsync(WatchStep step, long now)
    {
        var stream = _streams[step.Stream] ??= new WatchStream(new Watch.WatchClient(_invoker), MetadataOf(step.User), _masks);
        var request = _masks.Resolve(step.Request, now);
        var answer = request.RequestUnionCase switch
        {
            WatchRequest.RequestUnionOneofCase.CreateRequest => await stream.CreateAsync(request.CreateRequest),
            WatchRequest.RequestUnionOneofCase.CancelRequest => Sign(await stream.CancelAsync(request.CancelRequest.WatchId)),
            _ => Sign(await stream.ReachAsync(now)),
        };
        if (stream.HasEnded) await DieIfDeadAsync(StatusCode.Unavailable, step);
        return answer;

        static Answer Sign(bool came) => came ? new Answer(null) : new Answer(null, StatusCode.DeadlineExceeded, "no sign of it");
    }

    /// <summary>Waits until all watchers of the streams have been told everything up to a revision.</summary>
    /// <returns>Null, or which one was not.</returns>
    public async Task<string?> SettleWatchersAsync(long now, bool isEnd)
    {
        for (var i = 0; i < _streams.Length; i++)
        {
            if (_streams[i] is { } stream && (isEnd || i != WatchStep.FutureStream) && !await stream.ReachAsync(now))
                return $"stream {i} is not in sync with revision {now}";
        }

        return null;
    }

    /// <summary>What was said on all streams, which are closed by this.</summary>
    public async Task<IReadOnlyList<string>> CloseStreamsAsync()
    {
        var said = new List<string>();
        for (var i = 0; i < _streams.Length; i++)
        {
            if (_streams[i] is not { } stream) continue;
            said.AddRange(stream.Transcript().Select(line => $"stream {i} {line}"));
            _streams[i] = null;
            await stream.DisposeAsync();
        }

        return said;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        await CloseStreamsAsync();
        _channel.Dispose();
        await _process.DisposeAsync();
    }

    private async Task<IMessage> KeepAliveAsync(LeaseKeepAliveRequest request, CallOptions options)
    {
        using var call = new Lease.LeaseClient(_invoker).LeaseKeepAlive(options);
        await call.RequestStream.WriteAsync(request);
        if (!await call.ResponseStream.MoveNext(CancellationToken.None)) throw new RpcException(new Status(StatusCode.OK, "the stream ended"));
        return call.ResponseStream.Current;
    }

    private Metadata MetadataOf(string? user) => user switch
    {
        null => [],
        AuthRequests.Stranger => new Metadata { { "token", "nobodys.7" } },
        _ when _tokens.TryGetValue(user, out var token) => new Metadata { { "token", token } },
        _ => [],
    };

    private async Task DieIfDeadAsync(StatusCode code, Step step)
    {
        if (code is not (StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled or StatusCode.Unknown)) return;
        // A connection breaks some moments before its process is seen to be gone.
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var i = 0; i < 10 && !_process.HasExited; i++) await pause.WaitForNextTickAsync();
        if (_process.HasExited) throw new ServerDiedException(Name, $"died on {step}:\n{_process.LastWords()}");
    }
}

/// <summary>A server is gone. Its last words are the message.</summary>
internal sealed class ServerDiedException(string side, string message) : Exception(message)
{
    /// <summary>Which one: see <see cref="Servers.Side.Name"/>.</summary>
    public string Side { get; } = side;
}
