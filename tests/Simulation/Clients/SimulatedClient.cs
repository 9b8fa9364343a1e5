using Google.Protobuf;
using Raft.KeyValue;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Clients;

/// <summary>
/// A client that asks one thing after the other, of whichever member it is at, be it the leader or not, and goes to another
/// member when something fails. Once everything has healed it must be served a few more times.
/// </summary>
internal sealed class SimulatedClient(Simulator simulator, int number, bool hasSession, SeededRandom random)
{
    private const int Keys = 4;
    private const int TimeoutMs = 9_000;
    private const int AttemptsMax = 8;
    private const int HealedRequests = 10;

    private readonly Dictionary<string, long> _modRevisions = [];
    private readonly ClientSession _session = new();
    private SimulatedMember? _member;
    private int _call;
    private int _lastValue;
    private int _servedHealed;

    /// <summary>It was served after everything had healed.</summary>
    public bool IsDone => _servedHealed >= HealedRequests;

    public void Begin() => simulator.At(random.Between(0, 500), Ask);

    private void Ask()
    {
        if (IsDone)
            return;
        if (hasSession && !_session.IsOpen)
        {
            OpenSession();
            return;
        }

        var request = Draw();
        Try(new Attempt(request, simulator.History.Begins(number, request, simulator.Now), simulator.Checker.SeenRevision)
        {
            Stamp = request.IsWrite && _session.IsOpen ? _session.Next() : null,
        });
    }

    private void OpenSession()
    {
        var command = new Command { OpenSession = new OpenSessionRequest { TtlMs = random.Between(5_000, 60_000) } };
        Call(
            node => node.ProposeAsync(command),
            result =>
            {
                simulator.Trace.Note(_member?.Id, $"client {number}: session: {result.Error?.Message ?? "opened"}");
                if (result.Response is OpenSessionResponse opened)
                    _session.Opened(opened.Session);
                AskAgain();
            },
            (_, why) =>
            {
                simulator.Trace.Note(_member?.Id, $"client {number}: session: {why}");
                _member = null;
                AskAgain();
            });
    }

    private void Try(Attempt attempt) => Call(
        node => SendAsync(node, attempt),
        result => Answered(attempt, result),
        (surelyNotDone, why) => Fails(attempt, surelyNotDone, why));

    /// <summary>One call to one member: answered, or failed in one of the ways in which calls fail.</summary>
    private void Call(Func<Node.Node, Task<CommandResult>> send, Action<CommandResult> answered, Action<bool, string> fails)
    {
        var call = ++_call;
        void Once(Action goOn)
        {
            if (call != _call)
                return;
            _call++;
            goOn();
        }

        if (_member is not { IsUp: true } || random.Below(20) == 0)
            _member = random.Pick(Known());
        else if (random.Chance(simulator.Swarm.AsksLeaderChance) && simulator.Leaders.ToList() is [_, ..] leaders)
            _member = random.Pick(leaders); // whoever says so, be it true or not
        if (_member.Node is not { } node)
        {
            // Nobody was there to hear it.
            Once(() => fails(true, "refused connection"));
            return;
        }

        var (member, incarnation) = (_member, _member.Incarnation);
        simulator.At(TimeoutMs, () => Once(() => fails(false, "timeout")));
        simulator.When(send(node), sent => Once(() =>
        {
            if (member.Incarnation != incarnation)
                fails(false, "lost connection");
            else if (sent.Exception?.InnerException is RequestRefusedException refusal)
                fails(refusal.SurelyNotDone, refusal.Message);
            else if (sent.Exception?.InnerException is CommandRefusedException refused)
                answered(new CommandResult(null, refused.Error));
            else
                answered(sent.Result);
        }));
    }

    private static async Task<CommandResult> SendAsync(Node.Node node, Attempt attempt)
    {
        var request = attempt.Request;
        if (request.IsWrite)
        {
            var command = request.ToCommand();
            command.Session = attempt.Stamp;
            return await node.ProposeAsync(command).ConfigureAwait(false);
        }

        if (request.Kind == RequestKind.Read)
            await node.ReadBarrierAsync().ConfigureAwait(false);
        using var view = node.Store.OpenView();
        return view.Range(request.ToRange()).ToCommandResult();
    }

    private void Answered(Attempt attempt, CommandResult result)
    {
        if (result.Error is { } error)
        {
            Refused(attempt, error);
            return;
        }

        var request = attempt.Request;
        var revision = RevisionOf(result.Response!);
        simulator.Trace.Note(_member?.Id, $"client {number}: {request} at revision {revision}");
        simulator.History.IsAnswered(attempt.Operation, result.Response!, simulator.Now);
        Learn(request.Key, result.Response!, revision);
        if (request.Kind != RequestKind.SerializableRead)
            simulator.Checker.Answers($"{request} of client {number}", attempt.SeenBefore, revision);
        if (simulator.IsHealing)
            _servedHealed++;
        AskAgain();
    }

    /// <summary>The state machine's own answer: no, for good.</summary>
    private void Refused(Attempt attempt, StoreError error)
    {
        simulator.Trace.Note(_member?.Id, $"client {number}: {attempt.Request}: {error.Message}");
        if (error == StoreError.SessionNotFound)
            _session.IsGone();
        if (!attempt.IsRetry || !ClientSession.LeavesOpen(error))
            simulator.History.IsRefused(attempt.Operation);
        AskAgain();
    }

    /// <summary>Whoever has a session asks again with the same stamp; anybody else leaves it at that.</summary>
    private void Fails(Attempt attempt, bool surelyNotDone, string why)
    {
        simulator.Trace.Note(_member?.Id, $"client {number}: {attempt.Request}: {why}");
        _member = null;
        if (attempt.Stamp is not null && attempt.Number < AttemptsMax)
            simulator.At(random.Between(1, simulator.Swarm.ThinkMilliseconds), () => Try(attempt.Again(surelyNotDone)));
        else
            GiveUp(attempt, surelyNotDone);
    }

    private void GiveUp(Attempt attempt, bool surelyNotDone)
    {
        if (surelyNotDone && !attempt.IsRetry)
            simulator.History.IsRefused(attempt.Operation);
        AskAgain();
    }

    /// <summary>The members that it knows of: all that ever were, until it is told who they are now.</summary>
    private List<SimulatedMember> Known() => !simulator.IsHealing
        ? [.. simulator.Members]
        : [.. simulator.Members.Where(member => simulator.Administrator.Newest.Voters.Contains(member.Id))];

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

    /// <summary>A request on its way, for the first time or again.</summary>
    /// <param name="Request">What is asked.</param>
    /// <param name="Operation">Its number in the history.</param>
    /// <param name="SeenBefore">The newest revision that any client knew when it was made.</param>
    private sealed record Attempt(ClientRequest Request, long? Operation, long SeenBefore)
    {
        public SessionStamp? Stamp { get; init; }

        public int Number { get; private init; } = 1;

        /// <summary>An earlier attempt may have taken effect.</summary>
        public bool IsRetry { get; private init; }

        public Attempt Again(bool surelyNotDone) => this with { Number = Number + 1, IsRetry = IsRetry || !surelyNotDone };
    }
}
