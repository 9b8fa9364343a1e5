using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using Raft.KeyValue;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Storage.Ordered;

namespace Raft.Benchmarks.Micro;

/// <summary>The state machine over RocksDB, without consensus, log or network: what a write and a read cost at the least.</summary>
[MemoryDiagnoser]
public class KeyValueBenchmarks
{
    private const int Keys = 100_000;
    private const int BatchSize = 64;

    private readonly ByteString _value = ByteString.CopyFrom(new byte[256]);
    private string _directory = "";
    private RocksStore _disk = null!;
    private KeyValueStore _store = null!;
    private ulong _next;

    [GlobalSetup]
    public void Fill()
    {
        _directory = Directory.CreateTempSubdirectory("raft-bench-").FullName;
        var (path, staging) = (Path.Combine(_directory, "state"), Path.Combine(_directory, "staging"));
        Directory.CreateDirectory(path);
        Directory.CreateDirectory(staging);
        _disk = RocksStore.Open(path, staging, new StoreOptions());
        _store = new KeyValueStore(_disk);
        for (var filled = 0; filled < Keys; filled += BatchSize) Write(Enumerable.Range(filled, BatchSize).Select(key => (ulong)key));
    }

    [GlobalCleanup]
    public void Remove()
    {
        _disk.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark(OperationsPerInvoke = BatchSize)]
    public void OverwriteInBatches() => Write(Enumerable.Range(0, BatchSize).Select(_ => Scattered() % Keys));

    [Benchmark(OperationsPerInvoke = BatchSize)]
    public void InsertInBatches() => Write(Enumerable.Range(0, BatchSize).Select(_ => Scattered() | (1ul << 63)));

    [Benchmark]
    public RangeResponse? ReadOneKey()
    {
        using var view = _store.OpenView();
        return view.Range(new RangeRequest { Key = Key(Scattered() % Keys) }).Response;
    }

    [Benchmark]
    public RangeResponse? ReadThousandKeys()
    {
        using var view = _store.OpenView();
        var first = Scattered() % (Keys - 1000);
        return view.Range(new RangeRequest { Key = Key(first), RangeEnd = Key(first + 1000) }).Response;
    }

    private void Write(IEnumerable<ulong> keys)
    {
        var transaction = _store.Begin();
        foreach (var key in keys) transaction.Apply(new Command { Put = new PutRequest { Key = Key(key), Value = _value } });
        transaction.Commit();
    }

    /// <summary>Every number once, in an order that looks random and is the same in every run.</summary>
    private ulong Scattered() => ++_next * 0x9E3779B97F4A7C15;

    private static ByteString Key(ulong number)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), number);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }
}
