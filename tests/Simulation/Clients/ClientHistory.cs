using Google.Protobuf;
using Raft.Linearizability;
using Raft.Protocol.Etcd;
using Raft.Simulation.Tests.Checks;

namespace Raft.Simulation.Tests.Clients;

/// <summary>
/// What clients asked for and were told, for the checkers of linearizability. They know nothing of other keys, so revisions are
/// counted as if nobody had changed those.
/// </summary>
internal sealed class ClientHistory(TrueHistory truth)
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

    private Request AsChecked(ClientRequest request) => request.Kind switch
    {
        RequestKind.Put => Request.Put(request.Key, request.Value),
        RequestKind.Delete => Request.Delete(request.Key),
        RequestKind.CompareAndSwap => Request.CompareAndSwap(request.Key, truth.AsIfAlone(request.Revision), request.Value),
        _ => Request.Get(request.Key) with { IsSerializable = request.Kind == RequestKind.SerializableRead },
    };

    private Response AsChecked(IMessage answer) => answer switch
    {
        PutResponse put => Response.Put(Of(put.Header), Seen(put.PrevKv)),
        DeleteRangeResponse delete => Response.Deleted(delete.Deleted > 0, Of(delete.Header), Seen(delete.PrevKvs.FirstOrDefault())),
        TxnResponse { Succeeded: true } txn => Response.Swapped(Of(txn.Header)),
        TxnResponse txn => Response.NotSwapped(Seen(txn.Responses[0].ResponseRange.Kvs.FirstOrDefault()), Of(txn.Header)),
        RangeResponse range => Response.Got(Seen(range.Kvs.FirstOrDefault()), Of(range.Header)),
        _ => throw new InvalidOperationException($"{answer.Descriptor.Name} is no answer to a client's request."),
    };

    private Observation Seen(Protocol.Etcd.KeyValue? pair) =>
        pair is null ? Observation.Absent : new Observation(pair.Value.ToStringUtf8(), pair.Version, truth.AsIfAlone(pair.ModRevision));

    private long Of(ResponseHeader header) => truth.AsIfAlone(header.Revision);
}
