using System.Globalization;
using System.Text;
using Raft.Consensus;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Timeline;

namespace Raft.Simulation.Tests;

/// <summary>
/// What happened, a line an event. Always hashed, so that two runs can be compared; kept as text, and drawn as a timeline, only
/// on demand.
/// </summary>
internal sealed class Trace(Func<long> now, bool keepsText, TimelineRecorder? timeline)
{
    private readonly StringBuilder? _text = keepsText ? new StringBuilder() : null;
    private readonly Dictionary<MemberId, (Role, Term, LogIndex, LogIndex, LogIndex, LogIndex)> _states = [];
    private ulong _hash = Fnv.Offset;
    private long _messages;

    public string Text => _text?.ToString() ?? "";

    public string Hash => _hash.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>The first line: what the run is. The timeline says so in its head.</summary>
    public void Begins(FormattableString what) => Write(what);

    /// <summary>Something worth knowing that is no fault.</summary>
    public void Note(MemberId? member, FormattableString what) => timeline?.Note(now(), member, Write(what));

    /// <summary>Something breaks, or heals.</summary>
    public void Fault(MemberId? member, FormattableString what) => timeline?.Fault(now(), member, Write(what));

    public void Joins(MemberId member) => timeline?.Lane(now(), member);

    public void Starts(MemberId member, FormattableString how)
    {
        var what = Write(how);
        timeline?.Up(now(), member);
        timeline?.Note(now(), member, what);
    }

    public void Stops(MemberId member, FormattableString why) => timeline?.Down(now(), member, Write(why));

    /// <summary>After a turn of a member.</summary>
    public void Is(ConsensusStatus status)
    {
        if (timeline is null)
            return;
        var state = (status.Role, status.Term, status.Base.Index, status.Last.Index, status.Commit, status.Applied);
        if (_states.TryGetValue(status.Id, out var before) && before == state)
            return;
        _states[status.Id] = state;
        timeline.State(
            now(), status.Id, status.Role, status.Term.Value, status.Base.Index.Value, status.Last.Index.Value, status.Commit.Value, status.Applied.Value);
    }

    /// <summary>A message leaves; gives its number.</summary>
    public long Sent(MemberId from, MemberId to, string kind, string detail)
    {
        timeline?.Sent(now(), ++_messages, from, to, kind, detail);
        return _messages;
    }

    public void Delivered(long message, MemberId from, MemberId to, string kind, string detail)
    {
        Write($"{kind} {from}>{to} {detail}");
        timeline?.Delivered(now(), message);
    }

    public void Lost(long message, MemberId from, MemberId to, string kind, string detail)
    {
        Write($"lost {kind} {from}>{to} {detail}");
        timeline?.Lost(now(), message, "lost on its way");
    }

    private string Write(FormattableString line)
    {
        var text = line.ToString(CultureInfo.InvariantCulture);
        _hash = Fnv.Mix(_hash, (ulong)now());
        foreach (var character in text)
            _hash = Fnv.Mix(_hash, character);
        _text?.Append(CultureInfo.InvariantCulture, $"{now(),7} {text}\n");
        return text;
    }
}
