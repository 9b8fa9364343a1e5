using System.Threading.Channels;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Server.Services;

/// <summary>
/// One client's stream of renewals. They are answered in order but do not wait for one another: those that are under way at once
/// share a round of the quorum, where each alone would need its own.
/// </summary>
/// <param name="requests">What the client asks.</param>
/// <param name="responses">What it is told.</param>
/// <param name="renewAsync">Renews one lease.</param>
internal sealed class LeaseRenewals(
    IAsyncStreamReader<LeaseKeepAliveRequest> requests, IServerStreamWriter<LeaseKeepAliveResponse> responses,
    Func<LeaseKeepAliveRequest, Task<LeaseKeepAliveResponse>> renewAsync)
{
    /// <summary>Renewals under way; then the client has to wait.</summary>
    public const int UnderWayMax = 256;

    /// <summary>Answers that are there already and go out together.</summary>
    private const int UnflushedMax = 64;

    private static readonly WriteOptions Buffered = new(WriteFlags.BufferHint);
    private static readonly WriteOptions Flushed = new();

    private readonly Channel<Task<LeaseKeepAliveResponse>> _underWay = Channel.CreateBounded<Task<LeaseKeepAliveResponse>>(
        new BoundedChannelOptions(UnderWayMax) { SingleReader = true, SingleWriter = true });

    /// <summary>Runs until the client has no more to ask and has its answers.</summary>
    /// <exception cref="RpcException">A renewal was refused: the client has the answers before it.</exception>
    /// <exception cref="OperationCanceledException">The stream was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var asking = AskAsync(ended.Token);
        try
        {
            await AnswerAsync(ended.Token);
        }
        finally
        {
            await ended.CancelAsync();
            await asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AskAsync(CancellationToken cancellation)
    {
        Exception? problem = null;
        try
        {
            while (await requests.MoveNext(cancellation))
            {
                await _underWay.Writer.WaitToWriteAsync(cancellation);
                _underWay.Writer.TryWrite(renewAsync(requests.Current));
            }
        }
        catch (Exception error)
        {
            problem = error;
        }

        _underWay.Writer.Complete(problem);
    }

    private async Task AnswerAsync(CancellationToken cancellation)
    {
        var unflushed = 0;
        while (await _underWay.Reader.WaitToReadAsync(cancellation))
        {
            while (_underWay.Reader.TryRead(out var renewal))
            {
                var response = await renewal.WaitAsync(cancellation);
                var moreFollows = unflushed < UnflushedMax && _underWay.Reader.TryPeek(out var next) && next.IsCompletedSuccessfully;
                unflushed = moreFollows ? unflushed + 1 : 0;
                responses.WriteOptions = moreFollows ? Buffered : Flushed;
                await responses.WriteAsync(response, cancellation);
            }
        }
    }
}
