using Raft.Consensus;

namespace Raft.Node;

/// <summary>Something that a caller awaits and that is given up at a certain tick.</summary>
internal abstract class PendingAnswer(Admission admission, int bytes, long deadline) : Input
{
    private bool _hasPlace = true;

    /// <summary>The tick at which it is given up.</summary>
    internal long Deadline => deadline;

    /// <summary>What it takes up while it waits.</summary>
    internal override int Bytes => bytes;

    internal bool IsAnswered { get; private set; }

    // The neighbours in the list of deadlines; touched by the loop alone.
    internal PendingAnswer? Earlier { get; set; }

    internal PendingAnswer? Later { get; set; }

    internal Deadlines? List { get; set; }

    /// <summary>No answer came in time.</summary>
    internal abstract void Expire(Term now);

    /// <summary>There is a place for it. What takes memory is made only now: a flood that is refused must cost little.</summary>
    internal virtual void Admitted()
    {
    }

    /// <summary>There was no place for it: it leaves none free either.</summary>
    internal void RefuseUnadmitted(NodeError error)
    {
        _hasPlace = false;
        Refuse(error);
    }

    /// <summary>The first answer counts; it frees the place that the request took.</summary>
    protected bool BeginAnswer()
    {
        if (IsAnswered)
        {
            return false;
        }

        IsAnswered = true;
        List?.Remove(this);
        if (_hasPlace)
        {
            admission.Leave(bytes);
        }

        return true;
    }
}

/// <summary>A pending answer of a certain type.</summary>
/// <param name="goOn">How its caller goes on: as <see cref="NodeOptions.AnswerOptions"/>, unless the caller does next to nothing.</param>
/// <param name="admission">Where it takes a place.</param>
/// <param name="bytes">What it takes up while it waits.</param>
/// <param name="deadline">The tick at which it is given up.</param>
internal abstract class PendingAnswer<TAnswer>(TaskCreationOptions goOn, Admission admission, int bytes, long deadline)
    : PendingAnswer(admission, bytes, deadline)
{
    private readonly TaskCompletionSource<TAnswer> _answer = new(goOn);

    internal Task<TAnswer> Answer => _answer.Task;

    internal void Complete(TAnswer answer)
    {
        if (BeginAnswer())
        {
            _answer.SetResult(answer);
        }
    }

    internal void Refuse(NodeError error, bool surelyNotDone) => Fail(new RequestRefusedException(error, surelyNotDone));

    internal void Fail(Exception error)
    {
        if (BeginAnswer())
        {
            _answer.SetException(error);
        }
    }
}

/// <summary>Pending answers in the order in which they are given up: all wait equally long, so that is the order of arrival.</summary>
internal sealed class Deadlines
{
    private PendingAnswer? _first;
    private PendingAnswer? _last;

    internal long Expired { get; private set; }

    internal void Add(PendingAnswer answer)
    {
        answer.List = this;
        answer.Earlier = _last;
        if (_last is null)
        {
            _first = answer;
        }
        else
        {
            _last.Later = answer;
        }

        _last = answer;
    }

    internal void Remove(PendingAnswer answer)
    {
        if (answer.Earlier is { } earlier)
        {
            earlier.Later = answer.Later;
        }
        else
        {
            _first = answer.Later;
        }

        if (answer.Later is { } later)
        {
            later.Earlier = answer.Earlier;
        }
        else
        {
            _last = answer.Earlier;
        }

        answer.List = null;
        answer.Earlier = null;
        answer.Later = null;
    }

    /// <summary>Gives up what waited too long.</summary>
    internal void Pass(long tick, Term now)
    {
        while (_first is { } first && first.Deadline <= tick)
        {
            Expired++;
            Remove(first);
            first.Expire(now);
        }
    }

    /// <summary>The node stops: nothing more will be answered.</summary>
    internal void RefuseAll(NodeError error)
    {
        while (_first is { } first)
        {
            Remove(first);
            first.Refuse(error);
        }
    }
}
