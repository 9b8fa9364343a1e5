using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Raft.EndToEnd.Tests.Environment;
using Raft.Protocol.Etcd;

namespace Raft.EndToEnd.Tests.Workload;

/// <summary>
/// A client that writes all the time, as a careful application would: each write has a key of its own, so that it may be
/// sent again until it is acknowledged, to whichever member answers. Every acknowledgement is remembered for ever.
/// </summary>
internal sealed class WritingClient : IAsyncDisposable
{
    private const int Writers = 4;
    private const int ReadEvery = 8;
    private static readonly TimeSpan RequestPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WritePatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(50);

    private readonly Func<IReadOnlyList<MemberConnection>> _members;
    private readonly ConcurrentDictionary<string, string> _acknowledged;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _writing;

    /// <summary>Starts writing at once.</summary>
    /// <param name="name">Keeps the keys of this run apart from those of others.</param>
    /// <param name="members">The members that can be asked now; it changes while the client writes.</param>
    /// <param name="acknowledged">Where every acknowledged key goes with its value.</param>
    public WritingClient(string name, Func<IReadOnlyList<MemberConnection>> members, ConcurrentDictionary<string, string> acknowledged)
    {
        _members = members;
        _acknowledged = acknowledged;
        _writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync($"load/{name}/{writer}/", writer))));
    }

    public WriteRecord Record { get; } = new();

    /// <summary>Lets every writer finish the write that it is at.</summary>
    public async Task<WriteRecord> StopAsync()
    {
        await _stopping.CancelAsync();
        await _writing;
        Record.End();
        return Record;
    }

    /// <summary>Returns once that many more writes were acknowledged: the client is warm, or the cluster serves again.</summary>
    public Task AcknowledgedAsync(int more, TimeSpan patience)
    {
        var goal = Record.Acknowledged + more;
        return Until.NothingIsMissingAsync($"{more} more acknowledged writes", patience, _ =>
            Task.FromResult(Record.Acknowledged >= goal ? null : $"{goal - Record.Acknowledged} writes"));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _writing;
        _stopping.Dispose();
    }

    private async Task WriteAsync(string prefix, int writer)
    {
        var turn = new Turn { Next = writer };
        for (var number = 0; !_stopping.IsCancellationRequested; number++)
        {
            var key = $"{prefix}{number:D8}";
            var value = $"{key}={Random.Shared.NextInt64():x16}";
            var newestWhenBegun = Record.LastRevision;
            var put = await UntilAnsweredAsync(turn, (member, options) => member.KeyValue.PutAsync(Put(key, value), options));
            if (put is null)
            {
                Record.FailWrite();
                continue;
            }

            _acknowledged[key] = value;
            Record.Acknowledge(key, put.Header.Revision, newestWhenBegun);
            if (number % ReadEvery == 0)
                await ReadBackAsync(turn, key, value);
            await Task.Delay(Pause);
        }
    }

    /// <summary>A linearizable read, of the next member: it must see what another member has acknowledged.</summary>
    private async Task ReadBackAsync(Turn turn, string key, string value)
    {
        turn.Next++;
        var range = await UntilAnsweredAsync(turn, (member, options) => member.KeyValue.RangeAsync(Get(key), options));
        if (range is null)
            return;
        var found = range.Kvs.Count == 1 ? range.Kvs[0].Value.ToStringUtf8() : "nothing";
        if (found != value)
            Record.Contradict($"{key} was acknowledged as '{value}', and a linearizable read then found '{found}'");
    }

    /// <summary>Asks one member after the other; after an answer the next request goes to the same member. Null: patience ended.</summary>
    private async Task<T?> UntilAnsweredAsync<T>(Turn turn, Func<MemberConnection, CallOptions, AsyncUnaryCall<T>> ask)
        where T : class
    {
        var patience = Stopwatch.StartNew();
        while (patience.Elapsed < WritePatience)
        {
            var members = _members();
            if (members.Count > 0)
            {
                var member = members[(int)((uint)turn.Next % members.Count)];
                try
                {
                    return await ask(member, new CallOptions(deadline: DateTime.UtcNow + RequestPatience));
                }
                catch (Exception failure) when (failure is RpcException or ObjectDisposedException)
                {
                    Record.FailRequest($"{member.Name}: {Reason(failure)}");
                    turn.Next++;
                }
            }

            await Task.Delay(PauseAfterFailure);
        }

        return null;
    }

    private static string Reason(Exception failure) =>
        failure is RpcException refusal ? $"{refusal.StatusCode} {refusal.Status.Detail}" : failure.GetType().Name;

    private static PutRequest Put(string key, string value) =>
        new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) };

    private static RangeRequest Get(string key) => new() { Key = ByteString.CopyFromUtf8(key) };

    /// <summary>Whose turn it is to be asked by one writer.</summary>
    private sealed class Turn
    {
        public int Next { get; set; }
    }
}
