using Raft.Server.Options;

namespace Raft.Server.Compaction;

/// <summary>Says when history is to be compacted, and up to where. Time is what has passed since the member started.</summary>
internal abstract class AutoCompactionPolicy
{
    /// <summary>How often it wants to be asked.</summary>
    public abstract TimeSpan Interval { get; }

    /// <returns>Null: nobody wishes it.</returns>
    public static AutoCompactionPolicy? Of(AutoCompactionSettings settings) => settings switch
    {
        { Mode: AutoCompactionMode.Periodic, Period: var period } when period > TimeSpan.Zero => new PeriodicCompaction(period),
        { Mode: AutoCompactionMode.Revision, Revisions: var revisions and > 0 } => new RevisionCompaction(revisions),
        _ => null,
    };

    /// <summary>Notes where the store stands; on every member, so that who becomes leader knows the past.</summary>
    public virtual void Observe(TimeSpan now, long revision)
    {
    }

    /// <summary>The revision to compact to now, or null.</summary>
    public abstract long? Due(TimeSpan now, long revision);

    /// <summary>What was due is done.</summary>
    public virtual void Done(TimeSpan now)
    {
    }
}

/// <summary>
/// Keeps what is younger than a period. As in etcd it compacts for the first time when the period has passed, and then after every
/// such period, or every hour if the period is longer; what could not be done is tried again after a tenth of that.
/// </summary>
internal sealed class PeriodicCompaction(TimeSpan period) : AutoCompactionPolicy
{
    private const int LooksPerRound = 10;

    private static readonly TimeSpan LongestRound = TimeSpan.FromHours(1);

    private readonly TimeSpan _period = period;
    private readonly TimeSpan _round = period < LongestRound ? period : LongestRound;
    private readonly Queue<(TimeSpan Time, long Revision)> _past = [];
    private TimeSpan _next = period;

    public override TimeSpan Interval => _round / LooksPerRound;

    /// <summary>Of all that is old enough only the youngest is kept.</summary>
    public override void Observe(TimeSpan now, long revision)
    {
        _past.Enqueue((now, revision));
        while (_past.Count > 1 && _past.ElementAt(1).Time <= now - _period)
        {
            _past.Dequeue();
        }
    }

    public override long? Due(TimeSpan now, long revision) =>
        now >= _next && _past.TryPeek(out var oldest) && oldest.Time <= now - _period ? oldest.Revision : null;

    public override void Done(TimeSpan now) => _next = now + _round;
}

/// <summary>Keeps a number of revisions, looked at every five minutes, as in etcd.</summary>
internal sealed class RevisionCompaction(long revisions) : AutoCompactionPolicy
{
    public override TimeSpan Interval { get; } = TimeSpan.FromMinutes(5);

    public override long? Due(TimeSpan now, long revision) => revision > revisions ? revision - revisions : null;
}
