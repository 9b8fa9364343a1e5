using System.Globalization;
using Grpc.Core;
using Raft.Linearizability;
using Raft.Protocol.V1;

namespace Raft.Robustness.Tests.Workload;

/// <summary>
/// Exactly once: a write is sent again, at one member after the other, under its number in a session, until it is answered. It is little
/// patient, so that attempts overlap; and now and then it asks again what was answered, which must give the first answer.
/// </summary>
internal sealed class AskingInSession(Connections connections, Random random, Action<string> reportBroken) : IAsking
{
    private const int AttemptsAfterTheEnd = 10;
    private const int TimeToLiveMs = 60_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly AskingOnce _reading = new(connections);
    private ulong _session;
    private ulong _sequence;

    public async Task<Outcome> AskAsync(Request request, CancellationToken stop)
    {
        if (!Messages.MayWrite(request))
            return await _reading.AskAsync(request, stop);
        if (_session == 0 && !await OpenAsync())
            return new Outcome(null, IsWithoutEffect: true);

        _sequence++;
        var isWithoutEffect = true;
        for (var attemptsLeft = AttemptsAfterTheEnd; attemptsLeft > 0; attemptsLeft -= stop.IsCancellationRequested ? 1 : 0)
        {
            try
            {
                var answer = await SendAsync(request);
                if (random.Next(8) == 0)
                    await AskAgainAsync(request, answer);
                return new Outcome(answer);
            }
            catch (RpcException failure)
            {
                isWithoutEffect &= Connections.IsWithoutEffect(failure);
                if (failure.StatusCode is StatusCode.NotFound)
                    _session = 0;
                if (failure.StatusCode is not (StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled or StatusCode.Internal))
                    break;
            }
            connections.GoOn();
            await Task.Delay(Pause, CancellationToken.None);
        }
        return new Outcome(null, isWithoutEffect);
    }

    /// <summary>Gives the session back; one that cannot be closed expires.</summary>
    public async Task CloseAsync()
    {
        try
        {
            if (_session != 0)
                await connections.Sessions.CloseAsync(new CloseSessionRequest { Session = _session }, deadline: DateTime.UtcNow + Patience);
        }
        catch (RpcException)
        {
            // It expires.
        }
    }

    private Task<Response> SendAsync(Request request)
    {
        var number = (ulong value) => value.ToString(CultureInfo.InvariantCulture);
        var headers = new Metadata { { "raft-session", number(_session) }, { "raft-sequence", number(_sequence) }, { "raft-acknowledged", number(_sequence - 1) } };
        return Messages.SendAsync(connections.KeyValue, request, new CallOptions(headers, DateTime.UtcNow + Patience));
    }

    private async Task AskAgainAsync(Request request, Response first)
    {
        connections.GoOn();
        try
        {
            var again = await SendAsync(request);
            if (again.ToString() != first.ToString())
                reportBroken($"Session {_session} got two answers to its request {_sequence}, {request}: first {first}, then {again}");
        }
        catch (RpcException)
        {
            // The first answer is known; it was only asked whether the second is the same.
        }
    }

    private async Task<bool> OpenAsync()
    {
        try
        {
            _session = (await connections.Sessions.OpenAsync(new OpenSessionRequest { TtlMs = TimeToLiveMs }, deadline: DateTime.UtcNow + Patience)).Session;
            _sequence = 0;
            return true;
        }
        catch (RpcException)
        {
            connections.GoOn();
            return false;
        }
    }
}
