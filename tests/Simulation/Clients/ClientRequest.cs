using Google.Protobuf;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Simulation.Tests.Clients;

/// <summary>What a client asks for: a write becomes a command, a read is answered from a view.</summary>
internal sealed record ClientRequest
{
    public required RequestKind Kind { get; init; }

    public required string Key { get; init; }

    /// <summary>Of a put, and of the put in a compare-and-swap; no two are equal in a run.</summary>
    public string Value { get; init; } = "";

    /// <summary>Compare-and-swap: the key's mod revision must be this one. Compaction: the revision. Otherwise 0.</summary>
    public long Revision { get; init; }

    public bool IsWrite => Kind is not (RequestKind.Read or RequestKind.SerializableRead);

    public RangeRequest ToRange() => new() { Key = Bytes(Key) };

    public Command ToCommand() => Kind switch
    {
        RequestKind.Put => new Command { Put = new PutRequest { Key = Bytes(Key), Value = Bytes(Value), PrevKv = true } },
        RequestKind.Delete => new Command { DeleteRange = new DeleteRangeRequest { Key = Bytes(Key), RangeEnd = Bytes(Key + "\0"), PrevKv = true } },
        RequestKind.CompareAndSwap => new Command { Txn = Swap() },
        RequestKind.Compact => new Command { Compact = new CompactionRequest { Revision = Revision } },
        _ => throw new InvalidOperationException($"{Kind} is no write."),
    };

    public override string ToString() => Kind switch
    {
        RequestKind.Put => $"put {Key}={Value}",
        RequestKind.CompareAndSwap => $"swap {Key}@{Revision}={Value}",
        RequestKind.Compact => $"compact {Revision}",
        _ => $"{Kind} {Key}",
    };

    private TxnRequest Swap()
    {
        var swap = new TxnRequest();
        swap.Compare.Add(new Compare
        {
            Key = Bytes(Key),
            Target = Compare.Types.CompareTarget.Mod,
            Result = Compare.Types.CompareResult.Equal,
            ModRevision = Revision,
        });
        swap.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Bytes(Key), Value = Bytes(Value) } });
        swap.Failure.Add(new RequestOp { RequestRange = ToRange() });
        return swap;
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}

internal enum RequestKind
{
    Put,
    Delete,
    CompareAndSwap,
    Compact,
    Read,
    SerializableRead,
}
