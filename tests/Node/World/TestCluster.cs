using Raft.Consensus;
using Raft.Protocol.Etcd;

namespace Raft.Node.Tests.World;

/// <summary>
/// A cluster in one thread, driven by hand: nothing happens but what a test asks for, so every run is the same.
/// </summary>
internal sealed class TestCluster
{
    private const int TurnsMax = 100_000;

    private readonly Dictionary<MemberId, TestMember> _members = [];
    private readonly Random _random = new(1);
    private readonly Func<NodeOptions, NodeOptions> _settings;
    private ulong _lastNewId = 100;
    private long _now = 1_700_000_000_000;

    public TestCluster(int members = 3, Func<NodeOptions, NodeOptions>? settings = null)
    {
        // A context of the test runner's would take answers off the turn that gives them.
        SynchronizationContext.SetSynchronizationContext(null);
        _settings = settings ?? (static options => options);
        Network = new TestNetwork(id => _members.GetValueOrDefault(id));
        var first = Enumerable.Range(1, members).Select(id => Describe((ulong)id)).ToList();
        foreach (var member in first)
        {
            var added = AddDisks(new MemberId(member.ID));
            InitialState.WriteAsync(added.State, first).GetAwaiter().GetResult();
            added.Start();
        }
    }

    public TestNetwork Network { get; }

    public IEnumerable<TestMember> Up => _members.Values.Where(member => member is { IsUp: true, Failure: null });

    public TestMember this[ulong id] => _members[new MemberId(id)];

    public TestMember Leader => Up.Where(member => member.Status.IsLeader).MaxBy(member => member.Status.Consensus.Term)
        ?? throw new InvalidOperationException("Nobody leads.");

    public TestMember Follower => Up.First(member => !member.Status.IsLeader && !member.Status.IsLearner);

    public IEnumerable<TestMember> Followers => Up.Where(member => !member.Status.IsLeader);

    public static Member Describe(ulong id) => new() { ID = id, Name = $"m{id}", PeerURLs = { $"http://m{id}:2380" } };

    /// <summary>A member with empty disks; it knows nothing until a leader sends it a snapshot.</summary>
    public TestMember AddDisks(MemberId id)
    {
        var options = new NodeOptions
        {
            ClusterId = 7,
            Consensus = new ConsensusOptions { Id = id, Random = _random.Next },
            NewMemberId = () => ++_lastNewId,
            AnswersInline = true,
            UnixTimeMs = () => _now,
        };
        return _members[id] = new TestMember(this, _settings(options));
    }

    /// <summary>Makes the first member lead.</summary>
    public TestCluster Elected(ulong leader = 1)
    {
        this[leader].Node.Campaign();
        Settle();
        Assert.True(this[leader].Status.IsLeader);
        return this;
    }

    /// <summary>Lets everything happen that follows from what has happened, without a tick.</summary>
    public void Settle()
    {
        for (var turn = 0; Step(); turn++)
        {
            Assert.True(turn < TurnsMax, "the cluster comes to rest between two ticks");
        }
    }

    public void Tick(int ticks = 1)
    {
        for (; ticks > 0; ticks--)
        {
            _now += 100;
            foreach (var member in Up.ToList())
            {
                member.Node.Tick();
            }

            Settle();
        }
    }

    public void TickUntil(Func<bool> condition, int ticksMax = 200)
    {
        for (var tick = 0; !condition(); tick++)
        {
            Assert.True(tick < ticksMax, "it happens within the bound of ticks");
            Tick();
        }
    }

    /// <summary>A request and all that follows from it, without a tick; it must be answered.</summary>
    public T Do<T>(Task<T> request)
    {
        Settle();
        Assert.True(request.IsCompleted, "the request is answered without a tick");
        return request.GetAwaiter().GetResult();
    }

    public RequestRefusedException Refused(Task request)
    {
        Settle();
        Assert.True(request.IsCompleted, "the request is answered without a tick");
        return Assert.IsType<RequestRefusedException>(request.Exception?.InnerException);
    }

    /// <summary>Every member that is up holds the same, as of the same entry.</summary>
    public void AssertSameState()
    {
        Tick(2);
        var states = Up.Select(member => (member.Status.Consensus.Applied, member.Fingerprint())).Distinct().ToList();
        Assert.Single(states);
    }

    private bool Step()
    {
        var worked = false;
        foreach (var member in Up.ToList())
        {
            worked |= member.Node.RunTurn();
            worked |= member.IsUp && member.Log.Sync();
        }

        return Network.Deliver() || worked;
    }
}
