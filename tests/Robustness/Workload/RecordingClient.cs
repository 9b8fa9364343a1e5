using System.Diagnostics;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Raft.Linearizability;
using Raft.Protocol.Etcd;
using Member = Raft.Robustness.Tests.Testbed.Member;

namespace Raft.Robustness.Tests.Workload;

/// <summary>A client that works all the time at a member of its own, goes to the next when that fails, and records everything.</summary>
internal sealed class RecordingClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(150);

    private readonly int _number;
    private readonly History _history;
    private readonly Stopwatch _clock;
    private readonly Random _random;
    private readonly RequestMix _mix;
    private readonly IReadOnlyList<GrpcChannel> _channels;
    private readonly IReadOnlyList<KV.KVClient> _members;
    private int _member;
    private long _lastAnswer;

    public RecordingClient(int number, int seed, IReadOnlyList<Member> members, History history, Stopwatch clock)
    {
        _number = number;
        _history = history;
        _clock = clock;
        _random = new Random(seed);
        _mix = new RequestMix(number, _random);
        _channels = [.. members.Select(member => member.Connect())];
        _members = [.. _channels.Select(channel => new KV.KVClient(channel))];
        _member = number % members.Count;
    }

    /// <summary>When the last write or read that is not stale was answered, by the clock of the history.</summary>
    public long LastAnswer => Volatile.Read(ref _lastAnswer);

    /// <summary>Works until it is cancelled, and then ends what it is at.</summary>
    public async Task WorkAsync(Func<string> generation, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var request = _mix.Next(generation());
            var operation = _history.Invoke(_number, request, Now());
            try
            {
                var response = await Messages.SendAsync(_members[_member], request, new CallOptions(deadline: DateTime.UtcNow + Patience));
                _history.Return(operation, response, Now());
                _mix.Learn(request, response);
                if (!request.IsSerializable)
                    Volatile.Write(ref _lastAnswer, Now());
            }
            catch (RpcException failure)
            {
                if (IsWithoutEffect(request, failure))
                    _history.Forget(operation);
                _member = (_member + 1) % _members.Count;
                await Task.Delay(PauseAfterFailure, CancellationToken.None);
            }
            await Task.Delay(_random.Next(30), CancellationToken.None);
        }
    }

    public void Dispose()
    {
        foreach (var channel in _channels)
            channel.Dispose();
    }

    /// <summary>A read that failed says nothing, and what never left this machine or was refused for good has no effect.</summary>
    private static bool IsWithoutEffect(Request request, RpcException failure) =>
        request.Then.Concat(request.Else).All(step => step is Step.Get)
        || failure.StatusCode is StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange or StatusCode.ResourceExhausted
        || failure.Status.DebugException?.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused };

    private long Now() => _clock.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond;
}
