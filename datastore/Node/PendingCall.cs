namespace Raft.Node;

/// <summary>Something that a caller has the loop do, and that the loop bounds by itself.</summary>
internal sealed class PendingCall<TAnswer>(NodeOptions options) : Input
{
    private readonly TaskCompletionSource<TAnswer> _answer = new(options.AnswerOptions);

    /// <summary>Starts it, in a turn.</summary>
    internal Action? Begin { get; set; }

    internal Task<TAnswer> Answer => _answer.Task;

    internal override void Take(Node node) => Begin!();

    internal override void Refuse(NodeError error) => _answer.TrySetException(new RequestRefusedException(error, surelyNotDone: true));

    internal void Refuse(NodeError error, bool surelyNotDone) =>
        _answer.TrySetException(new RequestRefusedException(error, surelyNotDone));

    internal void Complete(TAnswer answer) => _answer.TrySetResult(answer);

    internal void Fail(Exception error) => _answer.TrySetException(error);
}
