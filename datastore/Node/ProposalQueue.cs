using Raft.Consensus;

namespace Raft.Node;

/// <summary>
/// Requests on their way through the log. One that stands in this member's log is answered when an entry is applied at its
/// index: by its own result, or by a refusal if another entry is committed there. An entry's id (term and index) names it for
/// good, in every process that ever leads, so it is all that an answer needs to find its caller.
/// </summary>
internal sealed class ProposalQueue
{
    private readonly Dictionary<LogIndex, PendingRequest> _inLog = [];
    private List<PendingRequest> _waiting = [];

    /// <summary>Requests whose entry awaits its fate.</summary>
    internal int InLog => _inLog.Count;

    /// <summary>Requests whose entry was replaced.</summary>
    internal long Failed { get; private set; }

    internal bool HasWaiting => _waiting.Count > 0;

    /// <summary>Nobody takes the request now: it waits. It is surely in no log.</summary>
    internal void Hold(PendingRequest request, NodeError waitsFor)
    {
        request.WaitsFor = waitsFor;
        _waiting.Add(request);
    }

    internal List<PendingRequest> TakeWaiting()
    {
        var waiting = _waiting;
        _waiting = [];
        return waiting;
    }

    /// <summary>
    /// The request stands in the log. An older one at the same index lost its place here, but another member may still hold
    /// its entry, be elected and commit it (Raft paper, figure 8): its fate is known when the index is applied.
    /// </summary>
    internal void Appended(PendingRequest request, EntryId entry)
    {
        request.Entry = entry;
        _inLog.Remove(entry.Index, out var older);
        request.OlderAtIndex = older;
        _inLog.Add(entry.Index, request);
    }

    /// <summary>The request that the applied entry answers, if there is one; others at its index are surely not done.</summary>
    internal PendingRequest? Take(EntryId applied)
    {
        if (!_inLog.Remove(applied.Index, out var request))
        {
            return null;
        }

        PendingRequest? answered = null;
        for (; request is not null; request = request.OlderAtIndex)
        {
            if (request.Entry == applied)
            {
                answered = request;
            }
            else
            {
                Failed++;
                request.Refuse(NodeError.LeaderChanged, surelyNotDone: true);
            }
        }

        return answered;
    }

    /// <summary>A snapshot stepped over these entries: whether they are part of it cannot be told.</summary>
    internal void SteppedOver(LogIndex upTo)
    {
        foreach (var index in _inLog.Keys.Where(index => index <= upTo).ToList())
        {
            _inLog.Remove(index, out var request);
            for (; request is not null; request = request.OlderAtIndex)
            {
                Failed++;
                request.Refuse(NodeError.LeaderFailed, surelyNotDone: false);
            }
        }
    }

    /// <summary>Forgets those that were given up, so that they do not pile up where nothing is committed any more.</summary>
    internal void Sweep()
    {
        foreach (var (index, request) in _inLog)
        {
            if (request.IsAnswered)
            {
                _inLog.Remove(index);
            }
        }

        _waiting.RemoveAll(request => request.IsAnswered);
    }
}
