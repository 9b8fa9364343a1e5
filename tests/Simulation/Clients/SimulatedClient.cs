using Google.Protobuf;
using Raft.KeyValue;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Simulation.Tests.Clients;

/// <summary>
/// A client that asks one thing after the other, of whichever member it is at, be it the leader or not, and goes to another
/// member when something fails. Once everything has healed it must be served a few more times.
/// </summary>
internal sealed class SimulatedClient(Simulator simulator, int number, bool hasSession, SeededRandom random)
{
    private const int Keys = 4;
    private const int AttemptsMax = 8;
    private const int HealedRequests = 10;
    private const int LoyalReadChance = 9_000;

    private readonly Dictionary<string, long> _modRevisions = [];
    private readonly ClientSession _session = new();
    private readonly ClientConnection _connection = new(simulator, random, isLoyal: random.Chance(simulator.Swarm.LoyalChance));
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
        _connection.Call(
            node => node.ProposeAsync(command),
            result =>
            {
                simulator.Trace.Note(_connection.Member?.Id, $"client {number}: session: {result.Error?.Message ?? "opened"}");
                if (result.Response is OpenSessionResponse opened)
                    _session.Opened(opened.Session);
                AskAgain();
            },
            (_, why) =>
            {
                simulator.Trace.Note(_connection.Member?.Id, $"client {number}: session: {why}");
                _connection.Leave();
                AskAgain();
            });
    }

    private void Try(Attempt attempt) => _connection.Call(
        node => SendAsync(node, attempt),
        result => Answered(attempt, result),
        (surelyNotDone, why) => Fails(attempt, surelyNotDone, why));

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
        simulator.Trace.Note(_connection.Member?.Id, $"client {number}: {request} at revision {revision}");
        simulator.History.IsAnswered(attempt.Operation, result.Response!, simulator.Now);
        Learn(request.Key, result.Response!, revision);
        if (request.Kind != RequestKind.SerializableRead)
            simulator.Checker.Answers($"{request} of client {number}", attempt.SeenBefore, revision, _connection.Member?.Id);
        if (simulator.IsHealing)
            _servedHealed++;
        AskAgain();
    }

    /// <summary>The state machine's own answer: no, for good.</summary>
    private void Refused(Attempt attempt, StoreError error)
    {
        simulator.Trace.Note(_connection.Member?.Id, $"client {number}: {attempt.Request}: {error.Message}");
        if (error == StoreError.SessionNotFound)
            _session.IsGone();
        if (!attempt.IsRetry || !ClientSession.LeavesOpen(error))
            simulator.History.IsRefused(attempt.Operation);
        AskAgain();
    }

    /// <summary>Whoever has a session asks again with the same stamp; anybody else leaves it at that.</summary>
    private void Fails(Attempt attempt, bool surelyNotDone, string why)
    {
        simulator.Trace.Note(_connection.Member?.Id, $"client {number}: {attempt.Request}: {why}");
        _connection.Leave();
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

    private void AskAgain() => simulator.At(random.Between(1, simulator.Swarm.ThinkMilliseconds), Ask);

    private ClientRequest Draw()
    {
        var key = $"k{random.Below(Keys)}";
        return random.Chance(_connection.IsLoyal ? LoyalReadChance : simulator.Swarm.ReadChance) ? new ClientRequest { Kind = RequestKind.Read, Key = key } : random.Below(100) switch
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
