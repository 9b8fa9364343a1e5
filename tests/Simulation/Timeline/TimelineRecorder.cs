using System.Text.Json;
using Raft.Consensus;

namespace Raft.Simulation.Tests.Timeline;

/// <summary>
/// Writes down what happens in one simulated run, and makes of it one self-contained HTML page: the timeline, where a
/// learner sees an election happen and an engineer a bug.
/// </summary>
/// <remarks>
/// <para>
/// Events are appended, in the order of the calls, to JSON in memory (about 40 bytes an event), so recording has no cost that
/// grows with the run. A run that nobody wants to see holds no recorder at all. All times are simulated milliseconds since
/// the start of the run, and never go back. Not for several threads, as the simulator is not.
/// </para>
/// <para>
/// An event is an array: a letter, the time, then what the call was given. A text stands in <c>words</c> once and is named by
/// its position; a member by its position in <c>members</c>. <c>Page/model.js</c> is the only reader.
/// </para>
/// </remarks>
/// <param name="seed">The seed that replays this run.</param>
/// <param name="description">One line on what the run was: its mix of faults, or the mutation that was on.</param>
public sealed class TimelineRecorder(ulong seed, string description)
{
    private readonly EventBuffer _events = new();
    private readonly Dictionary<string, int> _words = [];
    private readonly Dictionary<MemberId, int> _members = [];

    /// <summary>A member appears, at the start or by a change of the membership.</summary>
    public void Lane(long at, MemberId member) => _events.Add("n", at, Position(member));

    /// <summary>A member stops: nothing reaches it and it says nothing until <see cref="Up"/>.</summary>
    public void Down(long at, MemberId member, string why) => _events.Add("x", at, Position(member), Word(why));

    /// <summary>A member that was down runs again.</summary>
    public void Up(long at, MemberId member) => _events.Add("u", at, Position(member));

    /// <summary>A message leaves its sender.</summary>
    /// <param name="at">When.</param>
    /// <param name="message">A number that no other message of the run has.</param>
    /// <param name="from">The sender.</param>
    /// <param name="to">The member it is for.</param>
    /// <param name="kind">The name of its <see cref="MessageKind"/>; filters and colours go by it.</param>
    /// <param name="detail">Its fields, for people.</param>
    public void Sent(long at, long message, MemberId from, MemberId to, string kind, string detail) =>
        _events.Add("s", at, message, Position(from), Position(to), Word(kind), Word(detail));

    /// <summary>A message reaches its receiver. A duplicated message is delivered more than once.</summary>
    public void Delivered(long at, long message) => _events.Add("d", at, message);

    /// <summary>A message is lost on its way. One that is neither delivered nor lost is under way when the run ends.</summary>
    public void Lost(long at, long message, string why) => _events.Add("l", at, message, Word(why));

    /// <summary>What a member is after a turn that changed one of these.</summary>
    /// <param name="at">When the turn ended.</param>
    /// <param name="member">Which member.</param>
    /// <param name="role">Its role.</param>
    /// <param name="term">Its term.</param>
    /// <param name="logBase">The index that its log begins after: the index of its newest snapshot, or 0.</param>
    /// <param name="logLast">The index of its last entry.</param>
    /// <param name="commit">Its commit index.</param>
    /// <param name="applied">The index of the last entry that it applied.</param>
    public void State(long at, MemberId member, Role role, ulong term, ulong logBase, ulong logLast, ulong commit, ulong applied) =>
        _events.Add("r", at, Position(member), (long)role, (long)term, (long)logBase, (long)logLast, (long)commit, (long)applied);

    /// <summary>Something breaks or heals: a crash, a partition, a disk fault; of one member, or of the world.</summary>
    public void Fault(long at, MemberId? member, string what) => _events.Add("f", at, PositionOrWorld(member), Word(what));

    /// <summary>Something worth knowing: a client's request or answer, a change of the membership, a snapshot, a flush.</summary>
    public void Note(long at, MemberId? member, string what) => _events.Add("o", at, PositionOrWorld(member), Word(what));

    /// <summary>A promise is broken.</summary>
    /// <param name="at">When it was noticed.</param>
    /// <param name="member">Where, when it is one member's.</param>
    /// <param name="rule">The name of the invariant.</param>
    /// <param name="what">What was seen instead.</param>
    public void Violation(long at, MemberId? member, string rule, string what) =>
        _events.Add("v", at, PositionOrWorld(member), Word(rule), Word(what));

    /// <summary>Writes the page, and the folders above it where they are missing; an older page is replaced.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void WriteHtml(string path)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
            Directory.CreateDirectory(folder);
        File.WriteAllText(path, ToHtml());
    }

    /// <summary>The page, as of now; more may be recorded afterwards.</summary>
    public string ToHtml() => TimelinePage.Of($"Seed {seed}", ToJson());

    /// <summary>What was recorded. Letters that mean something in HTML are escaped, so that it may stand inside a script element.</summary>
    internal string ToJson()
    {
        var words = JsonSerializer.Serialize(_words.OrderBy(word => word.Value).Select(word => word.Key));
        var members = JsonSerializer.Serialize(_members.OrderBy(member => member.Value).Select(member => member.Key.ToString()));
        return $$"""{"seed":"{{seed}}","description":{{JsonSerializer.Serialize(description)}},"members":{{members}},"words":{{words}},"events":{{_events}}}""";
    }

    private int PositionOrWorld(MemberId? member) => member is { } one ? Position(one) : -1;

    private int Position(MemberId member) => PositionIn(_members, member);

    private int Word(string text) => PositionIn(_words, text);

    private static int PositionIn<T>(Dictionary<T, int> known, T thing)
        where T : notnull
    {
        if (!known.TryGetValue(thing, out var position))
            known[thing] = position = known.Count;
        return position;
    }
}
