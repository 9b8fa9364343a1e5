using Google.Protobuf;
using Raft.KeyValue;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Simulation.Tests.Clients;

/// <summary>Changes several keys in one revision, so that there is something that watchers must not be told in parts.</summary>
internal sealed class BatchWriter(Simulator simulator, SeededRandom random)
{
    private const int Keys = 6;
    private const int HealedRequests = 3;

    private readonly ClientConnection _connection = new(simulator, random, isLoyal: false);
    private int _lastValue;
    private int _servedHealed;

    /// <summary>It was served after everything had healed.</summary>
    public bool IsDone => _servedHealed >= HealedRequests;

    public void Begin() => simulator.At(random.Between(0, 500), Ask);

    private void Ask()
    {
        if (IsDone)
            return;
        var command = random.Below(5) == 0 ? Deletion() : Puts();
        var seenBefore = simulator.Checker.SeenRevision;
        _connection.Call(
            node => node.ProposeAsync(command),
            result =>
            {
                Answered(result, seenBefore);
                AskAgain();
            },
            (_, why) =>
            {
                simulator.Trace.Note(_connection.Member?.Id, $"batches: {why}");
                _connection.Leave();
                AskAgain();
            });
    }

    private void Answered(CommandResult result, long seenBefore)
    {
        var revision = (result.Response as TxnResponse)?.Header.Revision ?? (result.Response as DeleteRangeResponse)?.Header.Revision ?? 0;
        simulator.Trace.Note(_connection.Member?.Id, $"batches: {result.Error?.Message ?? "done"} at {revision}");
        if (result.Response is not null)
            simulator.Checker.Answers("a batch", seenBefore, revision, _connection.Member?.Id);
        if (simulator.IsHealing)
            _servedHealed++;
    }

    private void AskAgain() => simulator.At(random.Between(1, 10 * simulator.Swarm.ThinkMilliseconds), Ask);

    private Command Puts()
    {
        var txn = new TxnRequest();
        var first = random.Below(Keys);
        for (var count = random.Between(1, 4); count > 0; count--)
        {
            var put = new PutRequest { Key = Key((first + count) % Keys), Value = ByteString.CopyFromUtf8($"w.{++_lastValue}") };
            txn.Success.Add(new RequestOp { RequestPut = put });
        }

        return new Command { Txn = txn };
    }

    private Command Deletion() => new()
    {
        DeleteRange = new DeleteRangeRequest { Key = Key(random.Below(3)), RangeEnd = Key(random.Between(3, Keys)) },
    };

    private static ByteString Key(int number) => ByteString.CopyFromUtf8($"w{number}");
}
