using Google.Protobuf;
using Raft.KeyValue;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Clients;

/// <summary>
/// A client that asks one thing after the other, of whichever member it is at, be it the leader or not, and goes to another
/// member when something fails. Once everything has healed it must be served a few more times.
/// </summary>
internal sealed class SimulatedClient(Simulator simulator, int number, SeededRandom random)
{
    private const int Keys = 4;
    private const int TimeoutMs = 9_000;
    private const int HealedRequests = 10;

    private readonly Dictionary<string, long> _modRevisions = [];
    private SimulatedMember? _member;
    private int _attempt;
    private int _lastValue;
    private int _servedHealed;

    /// <summary>It was served after everything had healed.</summary>
    public bool IsDone => _servedHealed >= HealedRequests;

    public void Begin() => simulator.At(random.Between(0, 500), Ask);

    private void Ask()
    {
        if (IsDone)
            return;
        var request = Draw();
        Try(request, simulator.History.Begins(number, request, simulator.Now), simulator.Checker.SeenRevision);
    }

    private void Try(ClientRequest request, long? operation, long seenBefore)
    {
        var attempt = ++_attempt;
        if (_member is not { IsUp: true } || random.Below(20) == 0)
            _member = random.Pick(Known());
        else if (random.Chance(simulator.Swarm.AsksLeaderChance) && simulator.Leaders.ToList() is [_, ..] leaders)
            _member = random.Pick(leaders); // whoever says so, be it true or not
        if (_member.Node is not { } node)
        {
            // Nobody was there to hear it.
            Fails(request, operation, attempt, surelyNotDone: true, "refused connection");
            return;
        }

        var (member, incarnation) = (_member, _member.Incarnation);
        simulator.At(TimeoutMs, () => Fails(request, operation, attempt, surelyNotDone: false, "timeout"));
        simulator.When(SendAsync(node, request), sent =>
        {
            if (attempt != _attempt)
                return;
            if (member.Incarnation != incarnation)
                Fails(request, operation, attempt, surelyNotDone: false, "lost connection");
            else if (sent.Exception?.InnerException is RequestRefusedException refusal)
                Fails(request, operation, attempt, refusal.SurelyNotDone, refusal.Message);
            else if (sent.Exception?.InnerException is CommandRefusedException refused)
                Refused(request, operation, refused.Error);
            else
                Answered(request, operation, seenBefore, sent.Result);
        });
    }

    /// <summary>The members that it knows of: all that ever were, until it is told who they are now.</summary>
    private List<SimulatedMember> Known() => !simulator.IsHealing
        ? [.. simulator.Members]
        : [.. simulator.Members.Where(member => simulator.Administrator.Newest.Voters.Contains(member.Id))];

    private static async Task<CommandResult> SendAsync(Node.Node node, ClientRequest request)
    {
        if (request.IsWrite)
            return await node.ProposeAsync(request.ToCommand()).ConfigureAwait(false);
        if (request.Kind == RequestKind.Read)
            await node.ReadBarrierAsync().ConfigureAwait(false);
        using var view = node.Store.OpenView();
        return view.Range(request.ToRange()).ToCommandResult();
    }

    private void Answered(ClientRequest request, long? operation, long seenBefore, CommandResult result)
    {
        if (result.Error is { } error)
        {
            Refused(request, operation, error);
            return;
        }

        _attempt++;
        var revision = RevisionOf(result.Response!);
        simulator.Trace.Note(_member?.Id, $"client {number}: {request} at revision {revision}");
        simulator.History.IsAnswered(operation, result.Response!, simulator.Now);
        Learn(request.Key, result.Response!, revision);
        if (request.Kind != RequestKind.SerializableRead)
            simulator.Checker.Answers($"{request} of client {number}", seenBefore, revision);
        if (simulator.IsHealing)
            _servedHealed++;
        AskAgain();
    }

    /// <summary>The state machine's own answer: no, for good.</summary>
    private void Refused(ClientRequest request, long? operation, StoreError error)
    {
        _attempt++;
        simulator.Trace.Note(_member?.Id, $"client {number}: {request}: {error.Message}");
        simulator.History.IsRefused(operation);
        AskAgain();
    }

    private void Fails(ClientRequest request, long? operation, int attempt, bool surelyNotDone, string why)
    {
        if (attempt != _attempt)
            return;
        _attempt++;
        simulator.Trace.Note(_member?.Id, $"client {number}: {request}: {why}");
        _member = null;
        if (surelyNotDone)
            simulator.History.IsRefused(operation);
        AskAgain();
    }

    private void AskAgain() => simulator.At(random.Between(1, simulator.Swarm.ThinkMilliseconds), Ask);

    private ClientRequest Draw()
    {
        var key = $"k{random.Below(Keys)}";
        return random.Chance(simulator.Swarm.ReadChance) ? new ClientRequest { Kind = RequestKind.Read, Key = key } : random.Below(100) switch
        {
            < 50 => new ClientRequest { Kind = RequestKind.Put, Key = key, Value = NextValue() },
            < 60 => new ClientRequest { Kind = RequestKind.Delete, Key = key },
            < 80 => new ClientRequest
            {
                Kind = RequestKind.CompareAndSwap,
                Key = key,
                Value = NextValue(),
                Revision = _modRevisions.GetValueOrDefault(key),
            },
            < 85 => new ClientRequest
            {
                Kind = RequestKind.Compact,
                Key = "",
                Revision = Math.Max(1, simulator.Checker.SeenRevision - random.Below(20)),
            },
            _ => new ClientRequest { Kind = RequestKind.SerializableRead, Key = key },
        };
    }

    private string NextValue() => $"{number}.{++_lastValue}";

    private void Learn(string key, IMessage answer, long revision)
    {
        switch (answer)
        {
            case PutResponse or TxnResponse { Succeeded: true }:
                _modRevisions[key] = revision;
                break;
            case RangeResponse range:
                _modRevisions[key] = range.Kvs.Count > 0 ? range.Kvs[0].ModRevision : 0;
                break;
            case DeleteRangeResponse:
                _modRevisions[key] = 0;
                break;
        }
    }

    private static long RevisionOf(IMessage answer) => answer switch
    {
        PutResponse put => put.Header.Revision,
        DeleteRangeResponse delete => delete.Header.Revision,
        TxnResponse txn => txn.Header.Revision,
        CompactionResponse compact => compact.Header.Revision,
        RangeResponse range => range.Header.Revision,
        _ => throw new InvalidOperationException($"{answer.Descriptor.Name} has no revision."),
    };
}
