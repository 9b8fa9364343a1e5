using Raft.KeyValue.Ports;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>A store, its hub, and clients that take what waits for them when they are woken, as the server's streams do.</summary>
internal sealed class WatchWorld : IDisposable
{
    private readonly KeyValueStore _store;

    public WatchWorld(WatchLimits? limits = null)
    {
        _store = new KeyValueStore(Disk);
        Hub = new WatchHub(_store, limits ?? new WatchLimits());
    }

    public MeasuredStore Disk { get; } = new();

    public WatchHub Hub { get; }

    public long Revision => _store.Revision;

    public void Put(string key, string value) => Do(new PutRequest { Key = Bytes(key), Value = Bytes(value) });

    public void Delete(string key) => Do(new DeleteRangeRequest { Key = Bytes(key) });

    public void Compact(long revision)
    {
        Do(new CompactionRequest { Revision = revision });
        while (_store.HasCompactionWork)
        {
            var transaction = _store.Begin();
            transaction.CompactStep(1000);
            transaction.Commit();
        }
    }

    /// <summary>Puts the values 2, 3 and so on, each the revision that puts it.</summary>
    public void PutMany(string key, int count)
    {
        for (; count > 0; count--) Put(key, $"{Revision + 1}");
    }

    /// <summary>A client on a stream of its own.</summary>
    public Client Open(WatchCreateRequest request)
    {
        var client = new Client(Hub);
        client.Channel.Create(request);
        return client;
    }

    public Client Open(string key, long start) => Open(new WatchCreateRequest { Key = Bytes(key), StartRevision = start });

    /// <summary>Until there is nothing to read; between two pieces, clients take what waits.</summary>
    public void CatchUp(params IEnumerable<Client> clients)
    {
        do
        {
            foreach (var client in clients) client.TakeIfWoken();
        }
        while (Hub.CatchUp());
        foreach (var client in clients) client.TakeIfWoken();
    }

    /// <summary>Something behind the back of the store.</summary>
    public void Damage(byte[] key, byte[] value)
    {
        var batch = new OrderedBatch();
        batch.Put(key, value);
        Disk.Write(batch);
    }

    public void Dispose()
    {
        _store.Dispose();
        Disk.Dispose();
    }

    private void Do(Google.Protobuf.IMessage request)
    {
        var transaction = _store.Begin();
        Assert.Null(transaction.Apply(Command(request)).Error);
        transaction.Commit();
        Hub.Publish(transaction.Events, _store.Revision);
        Hub.Dispatch();
    }

    internal sealed class Client
    {
        private bool _isWoken;

        public Client(WatchHub hub) => Channel = hub.OpenChannel(() => _isWoken = true);

        public WatchChannel Channel { get; }

        public List<WatchAnswer> Answers { get; } = [];

        public List<Event> Events { get; } = [];

        public IEnumerable<long> Revisions => Events.Select(static change => change.Kv.ModRevision);

        public void TakeIfWoken()
        {
            if (!_isWoken) return;
            _isWoken = false;
            while (Channel.TryTake(out var answer))
            {
                Answers.Add(answer);
                Events.AddRange(WatchResponse.Parser.ParseFrom(answer.Events.SelectMany(static field => field.ToArray()).ToArray()).Events);
            }
        }
    }
}
