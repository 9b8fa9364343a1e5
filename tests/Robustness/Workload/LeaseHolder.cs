using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Robustness.Tests.Checks;
using Member = Raft.Robustness.Tests.Testbed.Member;

namespace Raft.Robustness.Tests.Workload;

/// <summary>
/// Takes a lease, puts keys under it and keeps it alive for a while, looking whether they are there; then it ends the lease, or
/// forgets it, and takes the next.
/// </summary>
internal sealed class LeaseHolder : IDisposable
{
    private const int Keys = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(150);

    private readonly Connections _connections;
    private readonly Random _random;
    private readonly LeaseBook _book;
    private readonly Stopwatch _clock;
    private readonly Action<string> _reportBroken;

    /// <summary>A holder that holds nothing yet.</summary>
    public LeaseHolder(int number, int seed, IReadOnlyList<Member> members, LeaseBook book, Stopwatch clock, Action<string> reportBroken)
    {
        _connections = new Connections(members, number, isLoyal: false);
        (_random, _book, _clock, _reportBroken) = (new Random(seed), book, clock, reportBroken);
    }

    /// <summary>Works until it is cancelled, and then forgets the lease that it has.</summary>
    public async Task WorkAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var lease = _random.NextInt64(1, long.MaxValue);
            if (!await GrantAsync(lease, _random.Next(3, 7)))
                continue;
            var keys = 0;
            for (var number = 0; number < Keys; number++)
                keys += await PutAsync(lease, number) ? 1 : 0;
            for (var turns = _random.Next(3, 20); turns > 0 && !stop.IsCancellationRequested; turns--)
            {
                await Task.Delay(_random.Next(100, 900), CancellationToken.None);
                await KeepAliveAsync(lease);
                await LookAsync(lease, keys);
            }
            if (_random.Next(2) == 0)
                await RevokeAsync(lease);
        }
    }

    public void Dispose() => _connections.Dispose();

    private Task<bool> GrantAsync(long lease, int ttlSeconds) => TryAsync(async asked =>
        _book.IsPromised(lease, asked, (await _connections.Leases.LeaseGrantAsync(new LeaseGrantRequest { ID = lease, TTL = ttlSeconds }, Options())).TTL));

    private Task<bool> PutAsync(long lease, int number)
    {
        var (key, value) = (LeaseBook.KeyOf(lease, number), $"{_random.Next()}");
        _book.Puts(lease, key, value);
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value), Lease = lease };
        return TryAsync(async _ => await _connections.KeyValue.PutAsync(put, Options()));
    }

    private Task<bool> KeepAliveAsync(long lease) => TryAsync(async asked =>
    {
        using var stream = _connections.Leases.LeaseKeepAlive(Options());
        await stream.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = lease });
        if (!await stream.ResponseStream.MoveNext(CancellationToken.None))
            return;
        if (stream.ResponseStream.Current.TTL > 0)
            _book.IsPromised(lease, asked, stream.ResponseStream.Current.TTL);
        else
            _book.IsGone(lease, Microseconds());
    });

    private Task<bool> LookAsync(long lease, int keys) => TryAsync(async _ =>
    {
        if ((await FindAsync(lease)).Count < keys)
            _book.IsGone(lease, Microseconds());
    });

    private Task<bool> RevokeAsync(long lease) => TryAsync(async _ =>
    {
        _book.MayEnd(lease);
        var revoked = await _connections.Leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease }, Options());
        _book.IsRevoked(lease, revoked.Header.Revision);
        _connections.GoOn();
        var found = await FindAsync(lease);
        if (found.Count > 0)
            _reportBroken($"Lease {lease} was revoked at revision {revoked.Header.Revision}, but at {found.Header.Revision} there are {string.Join(", ", found.Kvs)}");
        if (await PutAsync(lease, Keys))
            _reportBroken($"Lease {lease} was revoked at revision {revoked.Header.Revision}, but later a key could be put under it");
    });

    private async Task<RangeResponse> FindAsync(long lease) => await _connections.KeyValue.RangeAsync(
        new RangeRequest { Key = ByteString.CopyFromUtf8($"{LeaseBook.Prefix}{lease}/"), RangeEnd = ByteString.CopyFromUtf8($"{LeaseBook.Prefix}{lease}0") }, Options());

    /// <returns>Whether it was answered, and not refused.</returns>
    private async Task<bool> TryAsync(Func<long, Task> ask)
    {
        try
        {
            await ask(Microseconds());
            return true;
        }
        catch (RpcException)
        {
            _connections.GoOn();
            await Task.Delay(PauseAfterFailure);
            return false;
        }
    }

    private static CallOptions Options() => new(deadline: DateTime.UtcNow + Patience);

    private long Microseconds() => _clock.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond;
}
