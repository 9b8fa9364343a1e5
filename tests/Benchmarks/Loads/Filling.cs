using System.Diagnostics;
using Google.Protobuf;
using Raft.Benchmarks.Http2;
using Raft.Benchmarks.Servers;
using Raft.Protocol.Etcd;

namespace Raft.Benchmarks.Loads;

/// <summary>Writes all keys once, so that every read finds something.</summary>
internal sealed class Filling
{
    private const int KeysPerRequest = 100;
    private const int RequestsAtOnce = 16;
    private const int AttemptsMax = 20;
    private const int Unavailable = 14;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly Connections _connections;
    private readonly int _requests;
    private readonly long _started = Stopwatch.GetTimestamp();
    private int _begun;
    private int _done;
    private long _lastDone;
    private long _stall;

    private Filling(Connections connections, int keys) =>
        (_connections, _requests, _lastDone) = (connections, keys / KeysPerRequest, _started);

    /// <returns>How long it took, and the longest time in which nothing was acknowledged.</returns>
    public static async Task<(TimeSpan Time, TimeSpan Stall)> FillAsync(LocalCluster cluster, int keys, CancellationToken stop)
    {
        using var connections = await Connections.OpenAsync(cluster, Target.Leader, stop);
        var filling = new Filling(connections, keys);
        var writers = Enumerable.Range(0, Math.Min(RequestsAtOnce, filling._requests)).Select(_ => new Writer(filling)).ToList();
        for (var number = 0; number < writers.Count; number++)
        {
            connections.Add(number, writers[number]);
        }

        writers.ForEach(static writer => writer.Choose());
        await connections.RunAsync(writers, () => filling._done == filling._requests, stop);
        return (Stopwatch.GetElapsedTime(filling._started, filling._lastDone), Stopwatch.GetElapsedTime(0, filling._stall));
    }

    private void OnDone()
    {
        var now = Stopwatch.GetTimestamp();
        (_lastDone, _stall) = (now, Math.Max(_stall, now - _lastDone));
        _done++;
    }

    private sealed class Writer(Filling filling) : Call
    {
        private byte[] _request = [];
        private int _attempts;

        public override byte[] Path => Paths.Txn;

        public override byte[] Request => _request;

        /// <returns>False when there is nothing left to write.</returns>
        public bool Choose()
        {
            if (filling._begun == filling._requests)
            {
                return false;
            }

            var transaction = new TxnRequest();
            var first = filling._begun++ * KeysPerRequest;
            for (var key = first; key < first + KeysPerRequest; key++)
            {
                var (name, value) = (ByteString.CopyFromUtf8(KeySpace.Name(key)), ByteString.CopyFrom(KeySpace.NewValue(key)));
                transaction.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = name, Value = value } });
            }

            (_request, _attempts) = (Frame(transaction), 0);
            return true;
        }

        protected override void OnMessage(int bytes)
        {
        }

        protected override void OnEnd(bool succeeded)
        {
            if (succeeded)
            {
                filling.OnDone();
                if (Choose())
                {
                    filling._connections.Start(this);
                }
            }
            else if (GrpcStatus is Unavailable or < 0 && ++_attempts < AttemptsMax)
            {
                // On a slow machine a leader may be replaced meanwhile; to write the same again does no harm.
                filling._connections.StartAfter(Pause, this);
            }
            else
            {
                throw new InvalidOperationException($"The keys cannot be written: {Failure}.");
            }
        }
    }
}
