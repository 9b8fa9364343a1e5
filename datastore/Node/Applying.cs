using System.Runtime.ExceptionServices;
using Raft.Consensus;

namespace Raft.Node;

/// <content>
/// When committed entries are applied: within the turn in which the core hands them out, unless a command before them takes long. That
/// one is applied beside the turns, so that heartbeats go out and the log grows meanwhile; what is committed after it waits.
/// </content>
public sealed partial class Node
{
    private const int SlowApplyMs = 100;

    // Handed out by the core, behind a command that takes long.
    private readonly List<LogEntry> _toApply = [];

    // What must find the applied record and the store in step.
    private readonly List<Action> _afterLong = [];
    private long _slowApplies;

    private void Apply(IReadOnlyList<LogEntry> committed)
    {
        if (_applier.HasLong)
        {
            _toApply.AddRange(committed);
            return;
        }

        var started = Now;
        var (applied, membersChanged) = _applier.Apply(committed, _proposals);
        if (applied == committed.Count)
        {
            Applied(committed, started, membersChanged);
            return;
        }

        _toApply.AddRange(committed.Skip(applied + 1));
        if (applied > 0)
        {
            Applied([.. committed.Take(applied)], started, membersChanged);
            started = Now;
        }

        _ports.RunBeside(() => ApplyLong(started));
    }

    /// <summary>Beside the turns.</summary>
    private void ApplyLong(long started)
    {
        try
        {
            _applier.ApplyLong();
            _inbox.Post(() => LongApplied(started));
        }
        catch (Exception error)
        {
            // Whatever it was stops the member, as it would within a turn.
            _inbox.Post(ExceptionDispatchInfo.Capture(error).Throw);
        }
    }

    private void LongApplied(long started)
    {
        Applied([_applier.LongApplied()], started, membersChanged: false);
        _afterLong.ForEach(static waiting => waiting());
        _afterLong.Clear();
        if (_toApply.Count > 0)
        {
            LogEntry[] next = [.. _toApply];
            _toApply.Clear();
            Apply(next);
        }
    }

    /// <summary>Does something in a turn as soon as the applied record says what the store holds.</summary>
    private void WhenNoneTakesLong(Action then)
    {
        if (_applier.HasLong)
        {
            _afterLong.Add(then);
        }
        else
        {
            then();
        }
    }

    private void Applied(IReadOnlyList<LogEntry> entries, long started, bool membersChanged)
    {
        _lastBatch = entries.Count;
        foreach (var change in _applier.LeaseChanges)
        {
            _leases.Apply(change, _tick);
        }

        _consensus.Applied(_applier.Record.Last.Index);
        if (membersChanged)
        {
            MembersChanged();
            // The next change waits for this one to be applied: the core knows it now.
            SubmitWaiting();
        }

        if (Now - started > SlowApplyMs)
        {
            _slowApplies++;
        }

        CountTowardsCompaction(entries);
    }

    private long Now => _options.UnixTimeMs?.Invoke() ?? 0;
}
