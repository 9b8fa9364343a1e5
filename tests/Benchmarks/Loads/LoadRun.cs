using Raft.Benchmarks.Http2;
using Raft.Benchmarks.Reports;

namespace Raft.Benchmarks.Loads;

/// <summary>One load on one cluster: its clients call as fast as they are answered, first to warm up, then measured.</summary>
internal sealed class LoadRun
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(10);

    private readonly Load _load;
    private readonly int _keys;
    private readonly Connections _connections;
    private readonly Observation _observation;
    private readonly LatencyHistogram _latencies = new();
    private int _active;
    private int _failures;
    private string? _firstFailure;

    public LoadRun(Load load, int keys, Connections connections, Observation observation) =>
        (_load, _keys, _connections, _observation) = (load, keys, connections, observation);

    public async Task<Measurement> RunAsync(TimeSpan warmUp, TimeSpan measured, CancellationToken stop)
    {
        var clients = Enumerable.Range(0, _load.Clients).Select(number => new Client(this, number)).ToList();
        for (var number = 0; number < clients.Count; number++)
        {
            _connections.Add(number, clients[number]);
        }

        _active = clients.Count;
        clients.ForEach(static client => client.Choose());
        // Every call is waited for, so that none disturbs the next load.
        var calling = _connections.RunAsync(clients, () => _active == 0, stop);
        var taken = await _observation.RunAsync(warmUp, measured, stop);
        await calling;
        return new(_latencies, taken, _failures) { FirstFailure = _firstFailure };
    }

    private sealed class Client : Call
    {
        private readonly LoadRun _run;
        private readonly RequestTemplate[] _requests;
        private readonly Random _random;
        private int _current;
        private int _answerBytes;

        public Client(LoadRun run, int number)
        {
            _run = run;
            _requests = run._load.NewRequests(number);
#pragma warning disable CA5394 // Which key is next need not be a secret.
            _random = new Random(number);
#pragma warning restore CA5394
            _current = _requests.Length - 1;
        }

        public override byte[] Path => _requests[_current].Path;

        public override byte[] Request => _requests[_current].Bytes;

        /// <returns>False when all is over.</returns>
        public bool Choose()
        {
            var isCycle = _run._load.IsCycle;
            if (isCycle && _current + 1 < _requests.Length)
            {
                _current++;
            }
            else if (_run._observation.IsOver)
            {
                return false;
            }
            else
            {
#pragma warning disable CA5394 // As above.
                var one = _random.Next(_requests.Length);
                var key = _random.Next(_run._keys - _run._load.KeysBehind);
#pragma warning restore CA5394
                _current = isCycle ? 0 : one;
                foreach (var request in _requests.AsSpan(_current, isCycle ? _requests.Length : 1))
                {
                    request.Choose(key);
                }
            }

            _answerBytes = 0;
            return true;
        }

        protected override void OnMessage(int bytes) => _answerBytes += bytes;

        protected override void OnEnd(bool succeeded)
        {
            var isRight = succeeded && _answerBytes >= _requests[_current].AnswerBytesMin;
            if (!isRight)
            {
                _run._failures++;
                _run._firstFailure ??= Failure;
            }
            else if (_run._observation.IsMeasuring)
            {
                _run._latencies.Record(Elapsed);
            }

            if (!Choose())
            {
                _run._active--;
            }
            else if (isRight)
            {
                _run._connections.Start(this);
            }
            else
            {
                _run._connections.StartAfter(PauseAfterFailure, this);
            }
        }
    }
}
