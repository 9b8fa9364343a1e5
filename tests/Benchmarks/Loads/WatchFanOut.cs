using Google.Protobuf;
using Raft.Benchmarks.Http2;
using Raft.Benchmarks.Reports;
using Raft.Benchmarks.Servers;
using Raft.Protocol.Etcd;

namespace Raft.Benchmarks.Loads;

/// <summary>
/// Many watchers of one key, each on a stream of its own, and one writer, who writes again when all of them have seen what it wrote
/// before. What is counted is events delivered, from the sending of the put.
/// </summary>
internal sealed class WatchFanOut(Load load, Connections connections, Observation observation, ServerKind kind)
{
    private static readonly ByteString Key = ByteString.CopyFromUtf8("watched");

    private readonly LatencyHistogram _latencies = new();
    private readonly List<Writer> _writers = [];
    private int _waitFor;
    private bool _isOver;

    public async Task<Measurement> RunAsync(TimeSpan warmUp, TimeSpan measured, CancellationToken stop)
    {
        var watchers = Enumerable.Range(0, load.Watchers).Select(_ => new Watcher(this)).ToList();
        for (var number = 0; number < watchers.Count; number++)
        {
            connections.Add(number, watchers[number]);
        }

        // The members of the ceiling know nothing of each other: each is told itself.
        for (var member = 0; member < (kind.IsDurable ? 1 : connections.Members); member++)
        {
            _writers.Add(new(this));
            connections.Add(member, _writers[member]);
        }

        _waitFor = load.Watchers;
        var calling = connections.RunAsync(watchers, () => _isOver, stop);
        var taken = await observation.RunAsync(warmUp, measured, stop);
        await calling;
        return new(_latencies, taken, Failures: 0);
    }

    private void OnEvent()
    {
        if (observation.IsMeasuring)
        {
            _latencies.Record(_writers[0].Elapsed);
        }
    }

    /// <summary>A watcher has seen what was written, or a writer has been answered.</summary>
    private void OnOneDone()
    {
        if (--_waitFor > 0)
        {
            return;
        }

        if (observation.IsOver)
        {
            _isOver = true;
            return;
        }

        _waitFor = load.Watchers + _writers.Count;
        _writers.ForEach(connections.Start);
    }

    private sealed class Watcher(WatchFanOut run) : Call
    {
        private bool _isCreated;

        public override byte[] Path => Paths.Watch;

        public override byte[] Request { get; } = Frame(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } });

        public override bool StaysOpen => true;

        protected override void OnMessage(int bytes)
        {
            if (_isCreated && bytes < KeySpace.ValueBytes)
            {
                throw new InvalidOperationException("What a watch was sent is no event.");
            }

            if (_isCreated)
            {
                run.OnEvent();
            }

            _isCreated = true;
            run.OnOneDone();
        }

        protected override void OnEnd(bool succeeded) =>
            throw new InvalidOperationException($"A watch was ended by the server: {Failure}.");
    }

    private sealed class Writer(WatchFanOut run) : Call
    {
        public override byte[] Path => Paths.Put;

        public override byte[] Request { get; } = Frame(new PutRequest { Key = Key, Value = ByteString.CopyFrom(KeySpace.NewValue(0)) });

        protected override void OnMessage(int bytes)
        {
        }

        protected override void OnEnd(bool succeeded)
        {
            if (!succeeded)
            {
                throw new InvalidOperationException($"A put that is watched failed: {Failure}.");
            }

            run.OnOneDone();
        }
    }
}
