using Google.Protobuf;
using Raft.Differential.Tests.Comparison;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Requests;

/// <summary>One thing that a client does. It is plain data, with <see cref="Symbols"/> for what is not known yet.</summary>
/// <param name="User">Whose token goes with it: that of the user's last successful Authenticate; null: none.</param>
internal abstract record Step(string? User)
{
    protected string By => User is null ? "" : $" by {User}";
}

/// <summary>A request with one answer; keep-alives of leases too, which are a stream on the wire.</summary>
/// <param name="Request">The request.</param>
/// <param name="User">See <see cref="Step"/>.</param>
internal sealed record Call(IMessage Request, string? User = null) : Step(User)
{
    public override string ToString() => MessageText.Of(Request) + By;
}

/// <summary>A message on a stream of watchers; the first one opens it.</summary>
/// <param name="Stream">Which of the sequence's streams: from 0 to below <see cref="StreamCount"/>.</param>
/// <param name="Request">The message.</param>
/// <param name="User">Whose token the stream has, if this opens it.</param>
internal sealed record WatchStep(int Stream, WatchRequest Request, string? User = null) : Step(User)
{
    public const int StreamCount = 3;

    /// <summary>The stream of the watchers that start in the future, whose presence keeps a stream from being in sync.</summary>
    public const int FutureStream = 2;

    public override string ToString() => $"stream {Stream}: {MessageText.Of(Request)}" + By;
}
