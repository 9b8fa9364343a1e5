using Raft.Consensus;

namespace Raft.Node;

/// <summary>
/// Requests between being asked and being answered. One that stands in this member's log is answered when an entry is applied
/// at its index: by its own result, or by a refusal if another leader's entry took its place.
/// </summary>
internal sealed class ProposalQueue
{
    private readonly Dictionary<LogIndex, PendingRequest> _inLog = [];
    private readonly Queue<IExpiring> _byDeadline = new();
    private List<PendingRequest> _waiting = [];

    /// <summary>Requests that are not answered yet (those at the front of the deadlines that are, do not count).</summary>
    internal int Count => _byDeadline.Count;

    internal int InLog => _inLog.Count;

    internal long Failed { get; private set; }

    /// <summary>Starts to count a request, so that it is given up in time whatever becomes of it.</summary>
    internal void Track(IExpiring request) => _byDeadline.Enqueue(request);

    /// <summary>No leader takes the request now: it waits for one. It is surely in no log.</summary>
    internal void Hold(PendingRequest request) => _waiting.Add(request);

    internal bool HasWaiting => _waiting.Count > 0;

    internal List<PendingRequest> TakeWaiting()
    {
        var waiting = _waiting;
        _waiting = [];
        return waiting;
    }

    internal void Appended(PendingRequest request, EntryId entry)
    {
        request.Entry = entry;
        if (_inLog.Remove(entry.Index, out var replaced))
        {
            Replaced(replaced);
        }

        _inLog.Add(entry.Index, request);
    }

    /// <summary>The request that the applied entry answers, if there is one.</summary>
    internal PendingRequest? Take(EntryId applied)
    {
        if (!_inLog.Remove(applied.Index, out var request))
        {
            return null;
        }

        if (request.Entry == applied)
        {
            return request;
        }

        Replaced(request);
        return null;
    }

    /// <summary>Gives up what waited too long; forgets what was answered.</summary>
    internal void Expire(long tick)
    {
        while (_byDeadline.TryPeek(out var request) && (request.IsAnswered || request.Deadline <= tick))
        {
            _byDeadline.Dequeue();
            if (request.IsAnswered)
            {
                continue;
            }

            Failed++;
            request.Expire();
            if (request is PendingRequest pending
                && _inLog.TryGetValue(pending.Entry.Index, out var inLog)
                && ReferenceEquals(inLog, pending))
            {
                _inLog.Remove(pending.Entry.Index);
            }
        }
    }

    /// <summary>The member leaves: nothing more will be answered.</summary>
    internal void RefuseAll(NodeError error)
    {
        foreach (var request in _inLog.Values.Concat(_waiting))
        {
            request.Refuse(error);
        }

        while (_byDeadline.TryDequeue(out var request))
        {
            if (!request.IsAnswered)
            {
                request.Expire();
            }
        }

        _inLog.Clear();
        _waiting.Clear();
    }

    private void Replaced(PendingRequest request)
    {
        Failed++;
        request.Refuse(NodeError.LeaderChanged, surelyNotDone: true);
    }
}
