namespace Raft.Linearizability;

/// <summary>
/// One operation of one client. One that was retried under a promise of exactly-once is one operation, from its first
/// invocation to its last answer.
/// </summary>
/// <param name="Client">Who asked; for reports only.</param>
/// <param name="Invoked">
/// When it was sent, by a clock that all clients share: simulated milliseconds, or nanoseconds of a monotonic clock. An operation
/// that is invoked at the moment at which another returns overlaps with it.
/// </param>
/// <param name="Request">What was asked.</param>
public sealed record Operation(int Client, long Invoked, Request Request)
{
    /// <summary>
    /// When the answer came; <see cref="long.MaxValue"/> for an unknown outcome: it may have taken effect at any moment since it
    /// was sent, or may still do so, or never.
    /// </summary>
    public long Returned { get; init; } = long.MaxValue;

    /// <summary>The answer; null for an unknown outcome.</summary>
    public Response? Response { get; init; }

    /// <summary>An operation with its answer.</summary>
    public static Operation Answered(int client, long invoked, long returned, Request request, Response response)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(returned, invoked);
        return new Operation(client, invoked, request) { Returned = returned, Response = response };
    }

    /// <inheritdoc/>
    public override string ToString() =>
        Response is null
            ? $"[{Invoked} .. ?] client {Client}: {Request} -> outcome unknown"
            : $"[{Invoked} .. {Returned}] client {Client}: {Request} -> {Response}";
}
