using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;

namespace Raft.KeyValue;

/// <summary>What a request came to: a response or a refusal, exactly one of them.</summary>
/// <typeparam name="TResponse">The response's message type.</typeparam>
public readonly record struct StoreResult<TResponse>
    where TResponse : class, IMessage
{
    private StoreResult(TResponse? response, StoreError? error) => (Response, Error) = (response, error);

    /// <summary>The response; its header carries the revision alone, or nothing where it says nothing; the rest is Server's to fill in.</summary>
    public TResponse? Response { get; }

    /// <summary>The refusal; nothing has changed then.</summary>
    public StoreError? Error { get; }

    /// <summary>Was it refused?</summary>
    [MemberNotNullWhen(true, nameof(Error))]
    [MemberNotNullWhen(false, nameof(Response))]
    public bool IsRefused => Error is not null;

    /// <summary>A response.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "A response is its result; a named alternative would say no more.")]
    public static implicit operator StoreResult<TResponse>(TResponse response) => new(response, null);

    /// <summary>A refusal.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "As above.")]
    public static implicit operator StoreResult<TResponse>(StoreError error) => new(null, error);

    /// <summary>The same, without the response's type: what the answer to a replicated command is kept as.</summary>
    public CommandResult ToCommandResult() => new(Response, Error);
}

/// <summary>What a replicated command came to on this member, and so on every member.</summary>
/// <param name="Response">etcd's response message to the request inside the command, or null when it was refused.</param>
/// <param name="Error">The refusal, or null. A refused command has changed nothing.</param>
public readonly record struct CommandResult(IMessage? Response, StoreError? Error);
