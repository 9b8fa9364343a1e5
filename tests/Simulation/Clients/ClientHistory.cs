using Google.Protobuf;
using Raft.Linearizability;
using Raft.Protocol.Etcd;
using Raft.Simulation.Tests.Checks;

namespace Raft.Simulation.Tests.Clients;

/// <summary>What clients asked for and were told, for the checkers of linearizability.</summary>
internal sealed class ClientHistory
{
    private readonly History _history = new();

    /// <summary>A request is made; null if the checkers have nothing to say about its kind.</summary>
    public long? Begins(int client, ClientRequest request, long now) =>
        request.Kind == RequestKind.Compact ? null : _history.Invoke(client, AsChecked(request), now);

    /// <summary>It surely had no effect, and never will.</summary>
    public void IsRefused(long? operation)
    {
        if (operation is { } number)
            _history.Forget(number);
    }

    public void IsAnswered(long? operation, IMessage answer, long now)
    {
        if (operation is { } number)
            _history.Return(number, AsChecked(answer), now);
    }

    /// <summary>One order of all requests explains all answers, and it is the order of their revisions.</summary>
    /// <exception cref="SafetyViolationException">None does.</exception>
    public void Check()
    {
        var operations = _history.Operations;
        foreach (var verdict in new[] { RevisionChecker.Check(operations), LinearizabilityChecker.Check(operations) })
            SafetyChecker.Holds(verdict is Verdict.Holds, "Linearizable", $"{verdict}");
    }

    private static Request AsChecked(ClientRequest request) => request.Kind switch
    {
        RequestKind.Put => Request.Put(request.Key, request.Value),
        RequestKind.Delete => Request.Delete(request.Key),
        RequestKind.CompareAndSwap => Request.CompareAndSwap(request.Key, request.Revision, request.Value),
        _ => Request.Get(request.Key) with { IsSerializable = request.Kind == RequestKind.SerializableRead },
    };

    private static Response AsChecked(IMessage answer) => answer switch
    {
        PutResponse put => Response.Put(put.Header.Revision, Seen(put.PrevKv)),
        DeleteRangeResponse delete => Response.Deleted(delete.Deleted > 0, delete.Header.Revision, Seen(delete.PrevKvs.FirstOrDefault())),
        TxnResponse { Succeeded: true } txn => Response.Swapped(txn.Header.Revision),
        TxnResponse txn => Response.NotSwapped(Seen(txn.Responses[0].ResponseRange.Kvs.FirstOrDefault()), txn.Header.Revision),
        RangeResponse range => Response.Got(Seen(range.Kvs.FirstOrDefault()), range.Header.Revision),
        _ => throw new InvalidOperationException($"{answer.Descriptor.Name} is no answer to a client's request."),
    };

    private static Observation Seen(Protocol.Etcd.KeyValue? pair) =>
        pair is null ? Observation.Absent : new Observation(pair.Value.ToStringUtf8(), pair.Version, pair.ModRevision);
}
