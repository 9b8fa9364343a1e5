using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Raft.Protocol.Etcd;
using Raft.Robustness.Tests.Checks;
using Member = Raft.Robustness.Tests.Testbed.Member;

namespace Raft.Robustness.Tests.Workload;

/// <summary>
/// Watches all keys, and goes on at the next member from the revision that it has seen, when its member fails, has no leader, or just
/// so, every few seconds.
/// </summary>
internal sealed class RecordingWatcher : IDisposable
{
    private const int LongestStreamMs = 6000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly ByteString All = ByteString.CopyFrom(0);

    private readonly Connections _connections;
    private readonly Random _random;
    private readonly WatchRecord _record;
    private readonly LeaseBook _leases;
    private readonly Stopwatch _clock;
    private readonly Action<string> _reportBroken;
    private readonly bool _wantsPrevious;

    /// <summary>A watcher that does nothing yet.</summary>
    public RecordingWatcher(int number, int seed, IReadOnlyList<Member> members, WatchRecord record, LeaseBook leases, Stopwatch clock, Action<string> reportBroken)
    {
        _connections = new Connections(members, number, isLoyal: false);
        (_random, _record, _leases, _clock, _reportBroken) = (new Random(seed), record, leases, clock, reportBroken);
        _wantsPrevious = number % 2 == 0;
    }

    /// <summary>Streams that were opened.</summary>
    public int Streams { get; private set; }

    /// <summary>Watches until it is cancelled.</summary>
    public async Task WatchAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
            ending.CancelAfter(_random.Next(LongestStreamMs / 10, LongestStreamMs));
            try
            {
                await StreamAsync(ending.Token);
            }
            catch (Exception end) when (end is RpcException or OperationCanceledException)
            {
                await Task.Delay(Pause, CancellationToken.None);
            }
            _connections.GoOn();
        }
    }

    public void Dispose() => _connections.Dispose();

    private async Task StreamAsync(CancellationToken ending)
    {
        using var stream = _connections.Watching.Watch(new Metadata { { "hasleader", "true" } }, cancellationToken: ending);
        Streams++;
        var create = new WatchCreateRequest { Key = All, RangeEnd = All, StartRevision = _record.Next, PrevKv = _wantsPrevious };
        await stream.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, ending);
        await foreach (var message in stream.ResponseStream.ReadAllAsync(ending))
        {
            var broken = message.CompactRevision > 0 ? _record.SkipTo(message.CompactRevision) : _record.Take(message.Events);
            _leases.AreTold(message.Events, Microseconds());
            if (broken is not null)
                _reportBroken(broken);
            if (broken is not null || message.Canceled)
                return;
        }
    }

    private long Microseconds() => _clock.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond;
}
