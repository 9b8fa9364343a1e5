using System.Text;

namespace Raft.Consensus.Tests;

/// <summary>Members joined by a network that delivers at once and in order, unless a test says otherwise.</summary>
internal sealed class Cluster
{
    private readonly HashSet<(ulong From, ulong To)> _cut = [];
    private readonly Queue<Message> _network = new();
    private readonly SortedDictionary<ulong, Member> _members = [];
    private readonly Func<ConsensusOptions, ConsensusOptions> _tune;

    public Cluster(int voters, int learners = 0, Func<ConsensusOptions, ConsensusOptions>? tune = null)
    {
        _tune = tune ?? (options => options);
        var configuration = new Configuration(
            [.. Enumerable.Range(1, voters).Select(id => new MemberId((ulong)id))],
            [.. Enumerable.Range(voters + 1, learners).Select(id => new MemberId((ulong)id))]);
        foreach (var id in configuration.Members)
            _members[id.Value] = new Member(id, configuration, Options);
    }

    /// <summary>Every message that was sent, delivered or not.</summary>
    public List<Message> Sent { get; } = [];

    /// <summary>Decides over each message on its way; false loses it.</summary>
    public Func<Message, bool> Delivers { get; set; } = _ => true;

    /// <summary>Whether asked-for snapshots are delivered as soon as they are sent.</summary>
    public bool SendsSnapshots { get; set; } = true;

    public Member this[ulong id] => _members[id];

    public IEnumerable<Member> Members => _members.Values;

    public Member Leader => _members.Values
        .Where(member => member.IsUp && member.Status.Role == Role.Leader)
        .MaxBy(member => member.Status.Term.Value)!;

    public static MemberId Id(ulong id) => new(id);

    public static byte[] Bytes(string word) => Encoding.UTF8.GetBytes(word);

    /// <summary>A member with an empty disk that waits to be added.</summary>
    public Member AddBlank(ulong id) => _members[id] = new Member(new MemberId(id), Configuration.Empty, Options);

    public void Cut(ulong from, ulong to) => _cut.Add((from, to));

    public void Isolate(ulong id)
    {
        foreach (var other in _members.Keys)
        {
            _cut.Add((id, other));
            _cut.Add((other, id));
        }
    }

    public void Heal() => _cut.Clear();

    /// <summary>Puts a message on the network as if somebody had sent it.</summary>
    public void Inject(Message message) => _network.Enqueue(message);

    /// <summary>Lets everybody work and delivers until nothing happens any more.</summary>
    public void Settle()
    {
        for (var rounds = 0; rounds < 10_000; rounds++)
        {
            foreach (var member in _members.Values)
                Send(member.Work());
            if (!_network.TryDequeue(out var message))
                return;
            Deliver(message);
        }

        Assert.Fail("The cluster does not come to rest.");
    }

    /// <summary>Lets time pass for all members that are up, settling after each tick.</summary>
    public void Tick(int ticks = 1)
    {
        for (; ticks > 0; ticks--)
        {
            foreach (var member in _members.Values.Where(member => member.IsUp))
                member.Module.Tick();
            Settle();
        }
    }

    /// <summary>Lets time pass for one member alone.</summary>
    public void TickOnly(ulong id, int ticks)
    {
        for (; ticks > 0; ticks--)
        {
            this[id].Module.Tick();
            Settle();
        }
    }

    public void Elect(ulong id)
    {
        this[id].Module.Campaign();
        Settle();
        Assert.Equal(Role.Leader, this[id].Status.Role);
    }

    public EntryId Propose(string word)
    {
        var result = Leader.Module.Propose(Bytes(word));
        Assert.Equal(ProposalOutcome.Accepted, result.Outcome);
        Settle();
        return result.Entry;
    }

    public ProposalResult Change(ConfigurationChangeKind kind, ulong id)
    {
        var result = Leader.Module.ProposeChange(new ConfigurationChange(kind, new MemberId(id), ReadOnlyMemory<byte>.Empty));
        Settle();
        return result;
    }

    private void Send(List<Message> messages)
    {
        foreach (var message in messages)
        {
            Sent.Add(message);
            if (!_cut.Contains((message.From.Value, message.To.Value)) && Delivers(message))
                _network.Enqueue(message);
        }
    }

    private void Deliver(Message message)
    {
        if (!_members.TryGetValue(message.To.Value, out var receiver) || !receiver.IsUp)
        {
            if (message.Kind == MessageKind.SnapshotRequest)
                this[message.From.Value].Module.SnapshotSent(message.To, delivered: false);
            return;
        }

        if (message is { Kind: MessageKind.SnapshotRequest, Snapshot: null })
        {
            if (!SendsSnapshots)
                return;
            var sender = this[message.From.Value];
            var (metadata, state) = sender.TakeSnapshot();
            receiver.ReceiveSnapshotData(state);
            receiver.Module.Receive(message with { Snapshot = metadata });
            sender.Module.SnapshotSent(message.To, delivered: true);
            return;
        }

        receiver.Module.Receive(message);
    }

    // Member 1 always times out first, so that elections without a say of the test are predictable.
    private ConsensusOptions Options(MemberId id) => _tune(new ConsensusOptions
    {
        Id = id,
        Random = below => (int)Math.Min((id.Value - 1) * 2, (ulong)below - 1),
    });
}
