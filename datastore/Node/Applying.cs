using System.Runtime.ExceptionServices;
using Raft.Consensus;

namespace Raft.Node;

/// <content>
/// When committed entries are applied: within the turn in which the core hands them out, with two exceptions. Behind a command that takes
/// long they wait: it is applied beside the turns, so that heartbeats go out and the log grows meanwhile. And where nobody waits for them,
/// they let the log be written first.
/// </content>
public sealed partial class Node
{
    private const int SlowApplyMs = 100;

    // Handed out by the core, and waiting for a command that takes long, or for a write to the log.
    private readonly List<LogEntry> _toApply = [];
    private ulong _applyAfter;
    private ulong _written;
    private bool _hasAppliedWhatWaited;

    // What must find the applied record and the store in step.
    private readonly List<Action> _afterLong = [];
    private long _slowApplies;

    /// <param name="committed">What the core hands out.</param>
    /// <param name="write">The write to the log that the same output asked for; 0: none.</param>
    private void Apply(IReadOnlyList<LogEntry> committed, ulong write)
    {
        var waits = write > 0 && IsPatient;
        if (_toApply.Count > 0 || _applier.HasLong || waits)
        {
            // The first one's write is waited for, not the latest: where one follows the other none would ever be.
            _applyAfter = !waits ? 0 : _toApply.Count == 0 ? write : _applyAfter;
            _toApply.AddRange(committed);
        }
        else
        {
            ApplyNow(committed);
        }
    }

    /// <summary>
    /// A follower for whose state nobody waits lets the log go first: the leader waits for that, and so does its client.
    /// </summary>
    private bool IsPatient => _consensus.Role != Role.Leader && _admission.Requests == 0 && Watches.Watchers == 0;

    /// <summary>Once a turn: applies what waited, as much as the core hands out at once, so that the turn ends.</summary>
    /// <returns>Whether anything was applied, whereupon the core may have more to do.</returns>
    private bool ApplyWhatWaited()
    {
        if (_hasAppliedWhatWaited || _toApply.Count == 0 || _applier.HasLong || _written < _applyAfter)
        {
            return false;
        }

        _hasAppliedWhatWaited = true;
        ApplyNow(TakeBatch());
        if (_toApply.Count > 0 && !_applier.HasLong)
        {
            _inbox.Post(static () => { });
        }

        return true;
    }

    /// <summary>What has to be in the state before it is replaced; up to the next command that takes long.</summary>
    private void ApplyAllThatWaits()
    {
        while (_toApply.Count > 0 && !_applier.HasLong)
        {
            ApplyNow(TakeBatch());
        }
    }

    private LogEntry[] TakeBatch()
    {
        var (count, bytes) = (0, 0L);
        while (count < _toApply.Count && count < _options.Consensus.CommittedEntriesMax && bytes < _options.Consensus.CommittedBytesMax)
        {
            bytes += _toApply[count++].Data.Length;
        }

        var batch = _toApply[..count].ToArray();
        _toApply.RemoveRange(0, count);
        return batch;
    }

    private void ApplyNow(IReadOnlyList<LogEntry> committed)
    {
        var started = Now;
        var (applied, membersChanged) = _applier.Apply(committed, _proposals);
        if (applied == committed.Count)
        {
            Applied(committed, started, membersChanged);
            return;
        }

        _toApply.InsertRange(0, committed.Skip(applied + 1));
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
            _applier.RunLong();
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
        Applied([_applier.ConcludeLong()], started, membersChanged: false);
        _afterLong.ForEach(static waiting => waiting());
        _afterLong.Clear();
    }

    private void Applied(IReadOnlyList<LogEntry> entries, long started, bool membersChanged)
    {
        _lastBatch = entries.Count;
        _mustTellCommit |= _applier.AnsweredOthers;
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
