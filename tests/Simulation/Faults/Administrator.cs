using Raft.Consensus;
using Raft.Protocol.Etcd;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Faults;

/// <summary>
/// Changes members and moves leadership in the midst of everything, as the cluster allows it; starts who joins, and replaces
/// who is broken.
/// </summary>
internal sealed class Administrator
{
    private const int PeriodMs = 100;
    private const int MembersMax = 7;
    private const int AnswerMs = 10_000;

    private readonly Simulator _simulator;
    private readonly SeededRandom _random;
    private readonly SortedDictionary<LogIndex, Configuration> _unanswered = [];
    private readonly HashSet<MemberId> _removed = [];
    private Configuration _answered;
    private LogIndex _since = new(1);
    private ulong _lastMemberId;
    private bool _isAsking;
    private int _asked;

    public Administrator(Simulator simulator, SeededRandom random, IReadOnlyList<Member> founders)
    {
        (_simulator, _random) = (simulator, random);
        _lastMemberId = (ulong)founders.Count;
        _answered = BeforeNewest = Newest = new Configuration([.. founders.Select(member => new MemberId(member.ID))], []);
    }

    /// <summary>The members as of the last entry that anybody has applied.</summary>
    public Configuration Newest { get; private set; }

    /// <summary>The members as of the change before.</summary>
    public Configuration BeforeNewest { get; private set; }

    public int Changes { get; private set; }

    public static Member Describe(ulong id, string name = "") => new() { ID = id, Name = name, PeerURLs = { $"http://m{id}:2380" } };

    public void Begin() => _simulator.At(0, Administer);

    public ulong NewMemberId() => ++_lastMemberId;

    /// <summary>Whether its removal was answered: only then may it be switched off for good.</summary>
    public bool IsRemoved(MemberId member) => _removed.Contains(member);

    /// <summary>
    /// Whether a member's disk may turn bad: the others must be able to go on without it, so not a second one before the first
    /// is replaced, and not while another change may be on its way.
    /// </summary>
    public bool MayLose(MemberId member) =>
        Newest.Voters.Count >= 3
        && _unanswered.Count == 0
        && _asked == 0
        && !_simulator.Members.Any(other => other.Watch.Memory.Entries.Any(entry => entry.Id.Index > _since && entry.Kind == EntryKind.ConfigurationChange))
        && Newest.Members.All(id => id == member || _simulator.Find(id) is { IsBroken: false });

    /// <summary>The members as of an applied change.</summary>
    public void MembersAre(LogIndex since, Configuration members)
    {
        if (since <= _since)
            return;
        _since = since;
        if (members == Newest)
            return;
        Changes++;
        (BeforeNewest, Newest) = (Newest, members);
        _unanswered[since] = members;
        foreach (var id in members.Members.Where(id => _simulator.Find(id) is null))
            _simulator.At(_random.Between(1, 500), () => Join(id));
    }

    /// <summary>Changes up to this index were answered, by the leader that applied them or by the member that left.</summary>
    public void IsAnswered(LogIndex applied)
    {
        while (_unanswered.Count > 0 && _unanswered.First() is var (since, members) && since <= applied)
        {
            _removed.UnionWith(_answered.Members.Except(members.Members));
            _answered = members;
            _unanswered.Remove(since);
        }
    }

    private void Join(MemberId id)
    {
        if (_simulator.Find(id) is null)
            _simulator.Add(id, founders: null);
    }

    private void Administer()
    {
        foreach (var leader in _simulator.Leaders.ToList())
        {
            if (!_simulator.IsHealing && _random.Chance(_simulator.Swarm.TransferChance))
                MoveLeadership(leader);
            if (_isAsking)
                continue;
            if (Newest.Members.FirstOrDefault(id => _simulator.Find(id)?.IsBroken == true) is { Value: > 0 } broken)
                Ask(leader, ConfigurationChangeKind.RemoveMember, broken);
            else if (!_simulator.IsHealing && _random.Chance(_simulator.Swarm.ChangeChance))
                ChangeMembers(leader);
        }

        _simulator.At(PeriodMs, Administer);
    }

    private void MoveLeadership(SimulatedMember leader)
    {
        var target = _random.Pick([.. Newest.Members]);
        _simulator.Trace.Note(leader.Id, $"{leader.Id} is asked to hand over to {target}");
        Ignore(leader.Node!.MoveLeaderAsync(target));
    }

    private void ChangeMembers(SimulatedMember leader)
    {
        var members = leader.Node!.Status.Consensus.Configuration;
        switch (_random.Below(3))
        {
            case 0 when members.Members.Count() < MembersMax:
                Ask(leader, _random.Below(5) == 0 ? ConfigurationChangeKind.AddVoter : ConfigurationChangeKind.AddLearner, MemberId.None);
                break;
            case 1 when members.Learners.Count > 0:
                Ask(leader, ConfigurationChangeKind.PromoteLearner, _random.Pick([.. members.Learners]));
                break;
            case 2 when members.Members.Any():
                Ask(leader, ConfigurationChangeKind.RemoveMember, _random.Pick([.. members.Members]));
                break;
        }
    }

    private void Ask(SimulatedMember leader, ConfigurationChangeKind kind, MemberId member)
    {
        _simulator.Trace.Note(leader.Id, $"{leader.Id} is asked to {kind} {member}");
        _isAsking = _random.Below(4) != 0; // a second administrator may not wait for the first
        _simulator.At(2_000, () => _isAsking = false);
        var node = leader.Node!;
        switch (kind)
        {
            case ConfigurationChangeKind.AddLearner or ConfigurationChangeKind.AddVoter:
                var request = new MemberAddRequest { IsLearner = kind == ConfigurationChangeKind.AddLearner };
                request.PeerURLs.Add($"http://n{_simulator.Now}:2380");
                Then(node.AddMemberAsync(request), kind);
                break;
            case ConfigurationChangeKind.PromoteLearner:
                Then(node.PromoteMemberAsync(new MemberPromoteRequest { ID = member.Value }), kind);
                break;
            default:
                Then(node.RemoveMemberAsync(new MemberRemoveRequest { ID = member.Value }), kind);
                break;
        }
    }

    private void Then<T>(Task<T> asked, ConfigurationChangeKind kind)
    {
        _asked++;
        _simulator.At(AnswerMs, () => _asked--); // whether it is answered or not
        _simulator.When(asked, done =>
        {
            _isAsking = false;
            _simulator.Trace.Note(null, $"{kind}: {done.Exception?.InnerException?.Message ?? "done"}");
        });
    }

    private static void Ignore(Task task) =>
        task.ContinueWith(static done => done.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
