using System.Collections.Immutable;
using Grpc.Core;
using Raft.Protocol.Etcd;

namespace Raft.Robustness.Tests.Testbed;

/// <summary>The places for members, who of them is one, and the changes of that. One change of members runs at a time.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    /// <summary>The voters that a cluster begins with, and has whenever nobody changes it.</summary>
    public const int Size = 3;

    private const int Places = 4;
    private static readonly TimeSpan RequestPatience = TimeSpan.FromSeconds(2);

    private readonly Network _network;
    private readonly Action<string> _report;
    private readonly HashSet<Member> _expectedToEnd = [];

    private TestCluster(Network network, IReadOnlyList<Member> members, Action<string> report)
    {
        _network = network;
        All = members;
        _report = report;
    }

    public Network Network => _network;

    /// <summary>All places, with and without a process.</summary>
    public IReadOnlyList<Member> All { get; }

    /// <summary>Those that are, or are about to become, members; the newest last.</summary>
    public ImmutableList<Member> Members { get; private set; } = [];

    /// <summary>Members that ended by themselves when nothing was done to them that would make them.</summary>
    public List<string> UnexpectedEnds { get; } = [];

    public static async Task<TestCluster> StartAsync(string logFolder, Action<string> report)
    {
        var network = await Network.CreateAsync();
        try
        {
            var library = $"{network.Folder}/fault-shim.so";
            await FaultShim.CompileAsync(library);
            var cluster = new TestCluster(network, [.. Enumerable.Range(0, Places).Select(index => new Member(index, network, library, logFolder))], report);
            foreach (var member in cluster.All)
            {
                await network.ConnectAsync(member.Index);
                await member.Disk.MountAsync();
            }
            cluster.Members = [.. cluster.All.Take(Size)];
            cluster.Members.ForEach(member => member.Start("new", cluster.InitialCluster()));
            await cluster.LeaderAsync(Patience.OfSeconds(120));
            return cluster;
        }
        catch
        {
            await network.RemoveAsync();
            throw;
        }
    }

    /// <summary>For one request.</summary>
    public static DateTime Deadline(int seconds) => DateTime.UtcNow.AddSeconds(seconds);

    /// <summary>The member that a running one believes to lead, in the latest term that any knows; null if nobody says.</summary>
    public async Task<Member?> KnownLeaderAsync()
    {
        var answers = await Task.WhenAll(Members.Select(async member => (Member: member, Status: await StatusAsync(member))));
        var leader = answers.Select(answer => answer.Status).OfType<StatusResponse>().Where(status => status.Leader > 0).MaxBy(status => status.RaftTerm)?.Leader;
        return answers.FirstOrDefault(answer => leader is not null && answer.Status?.Header.MemberId == leader).Member;
    }

    /// <summary>What a member says of itself; null if it does not answer.</summary>
    public static async Task<StatusResponse?> StatusAsync(Member member)
    {
        try
        {
            return await member.Maintenance.StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow + RequestPatience);
        }
        catch (RpcException)
        {
            return null;
        }
    }

    /// <summary>Waits for a leader.</summary>
    /// <exception cref="TimeoutException">There was none for too long.</exception>
    public async Task<Member> LeaderAsync(Patience patience)
    {
        while (!patience.IsOver)
        {
            if (await KnownLeaderAsync() is { } leader)
                return leader;
            await Task.Delay(100);
        }
        throw new TimeoutException("The cluster had no leader for too long.");
    }

    /// <summary>A member that a fault makes end by itself is started again by <see cref="TendAsync"/>, and not reported.</summary>
    public void ExpectToEnd(Member member, bool expected)
    {
        lock (_expectedToEnd)
            _ = expected ? _expectedToEnd.Add(member) : _expectedToEnd.Remove(member);
    }

    /// <summary>Starts members again that ended by themselves, as a supervisor does, until it is cancelled.</summary>
    public async Task TendAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (var member in Members.Where(member => member.EndedBy is not null))
            {
                var isExpected = false;
                lock (_expectedToEnd)
                    isExpected = _expectedToEnd.Contains(member);
                if (!isExpected)
                    UnexpectedEnds.Add($"{member.Name} ended by itself with {member.EndedBy}:\n    {string.Join("\n    ", member.LastWords())}");
                _report($"{member.Name} ended by itself with {member.EndedBy} and is started again");
                member.Restart();
            }
            await Task.Delay(500, CancellationToken.None);
        }
    }

    /// <summary>A blank member joins as a learner and is promoted. What could not be done is left for <see cref="SettleAsync"/>.</summary>
    public async Task AddAsync(Member newcomer, Patience patience)
    {
        await EverywhereAsync(patience, async member =>
        {
            if (await FindAsync(member, newcomer) is null)
                await member.Cluster.MemberAddAsync(new MemberAddRequest { IsLearner = true, PeerURLs = { newcomer.PeerUrl } }, Options());
        });
        newcomer.Disk.Wipe();
        Members = Members.Add(newcomer);
        // Until it has found the others, there is nobody that it could be, and it ends.
        ExpectToEnd(newcomer, true);
        newcomer.Start("existing", InitialCluster());
        await PromoteAsync(newcomer, patience);
        ExpectToEnd(newcomer, false);
    }

    public Task PromoteAsync(Member learner, Patience patience) => EverywhereAsync(patience, async member =>
    {
        if (await FindAsync(member, learner) is { IsLearner: true } known)
            await member.Cluster.MemberPromoteAsync(new MemberPromoteRequest { ID = known.ID }, Options());
    }, except: learner);

    /// <summary>A member leaves the cluster; its process and its data go once the cluster has let it go.</summary>
    public async Task RemoveAsync(Member leaving, Patience patience)
    {
        ExpectToEnd(leaving, true);
        await EverywhereAsync(patience, async member =>
        {
            if (await FindAsync(member, leaving) is { } known)
                await member.Cluster.MemberRemoveAsync(new MemberRemoveRequest { ID = known.ID }, Options());
        }, except: leaving);
        Members = Members.Remove(leaving);
        await leaving.KillAsync();
        leaving.Disk.Wipe();
        ExpectToEnd(leaving, false);
    }

    /// <summary>
    /// After everything has healed: changes that were begun are finished, and the cluster has as many voters as at first, all of which run.
    /// </summary>
    public async Task SettleAsync(Patience patience)
    {
        foreach (var member in All)
            await member.HealAsync();
        foreach (var member in Members.Where(member => !member.IsRunning))
            member.Restart();

        IReadOnlyList<Protocol.Etcd.Member> known = [];
        await EverywhereAsync(patience, async member => known = await ListAsync(member));
        foreach (var place in All)
        {
            var entry = known.FirstOrDefault(member => member.PeerURLs.Contains(place.PeerUrl));
            if (entry is null && Members.Contains(place))
                await RemoveAsync(place, patience);
            else if (entry is { Name: "" } && !Members.Contains(place))
                await AddAsync(place, patience);
            else if (entry is { IsLearner: true })
                await PromoteAsync(place, patience);
            ExpectToEnd(place, false);
        }
        foreach (var place in All.Where(place => !Members.Contains(place)))
        {
            if (Members.Count < Size)
                await AddAsync(place, patience);
        }
        while (Members.Count > Size)
            await RemoveAsync(Members[^1], patience);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in All)
            await member.DisposeAsync();
        await _network.RemoveAsync();
    }

    /// <summary>Asks one member after the other until one did what was asked.</summary>
    public async Task EverywhereAsync(Patience patience, Func<Member, Task> ask, Member? except = null)
    {
        RpcException? last = null;
        while (!patience.IsOver)
        {
            foreach (var member in Members.Where(member => member != except))
            {
                try
                {
                    await ask(member);
                    return;
                }
                catch (RpcException refusal)
                {
                    last = refusal;
                }
            }
            await Task.Delay(200);
        }
        throw new TimeoutException($"no member did what was asked in time; the last said: {last?.Status.Detail}");
    }

    private static async Task<Protocol.Etcd.Member?> FindAsync(Member asked, Member wanted) =>
        (await ListAsync(asked)).FirstOrDefault(member => member.PeerURLs.Contains(wanted.PeerUrl));

    private static async Task<IReadOnlyList<Protocol.Etcd.Member>> ListAsync(Member asked) =>
        (await asked.Cluster.MemberListAsync(new MemberListRequest { Linearizable = true }, Options())).Members;

    private static CallOptions Options() => new(deadline: DateTime.UtcNow + RequestPatience);

    private string InitialCluster() => string.Join(',', Members.Select(member => $"{member.Name}={member.PeerUrl}"));
}
