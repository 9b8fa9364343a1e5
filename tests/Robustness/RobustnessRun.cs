using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Raft.Linearizability;
using Raft.Protocol.Etcd;
using Raft.Robustness.Tests.Checks;
using Raft.Robustness.Tests.Faults;
using Raft.Robustness.Tests.Testbed;
using Raft.Robustness.Tests.Workload;

namespace Raft.Robustness.Tests;

/// <summary>
/// A cluster of real processes that clients work with while it is struck. After each round everything mends, and then: clients are served
/// again in time, leases that nobody keeps alive end, all members hold the same, no member ended by itself, watchers were told of all that
/// happened, and both checkers find the round's history right.
/// </summary>
internal sealed class RobustnessRun(TestCluster cluster, int seed, Action<string> report)
{
    private const int Clients = 12;
    private static readonly TimeSpan SettlingBound = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ProgressBound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan GenerationLength = TimeSpan.FromSeconds(10);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<string> _broken = [];
    private IReadOnlyList<Operation> _openBefore = [];

    public RunTotals Totals { get; } = new();

    /// <summary>Rounds that are known beforehand.</summary>
    /// <exception cref="RobustnessException">A promise was broken.</exception>
    public async Task RoundsAsync(IReadOnlyList<IReadOnlyList<IReadOnlyList<PlannedFault>>> rounds)
    {
        for (var round = 0; round < rounds.Count; round++)
            await RoundAsync(round, rounds[round]);
    }

    /// <summary>One round of strikes.</summary>
    /// <exception cref="RobustnessException">A promise was broken.</exception>
    public async Task RoundAsync(int round, IReadOnlyList<IReadOnlyList<PlannedFault>> strikes)
    {
        report($"round {round}: {string.Join("; ", strikes.Select(strike => string.Join(" with ", strike)))}");
        var firstRevision = await RevisionAsync();
        var history = new History();
        using var stopping = new CancellationTokenSource();
        var started = _clock.Elapsed;
        string Generation() => $"{round}.{(int)((_clock.Elapsed - started) / GenerationLength)}";
        var clients = Enumerable.Range(0, Clients).Select(number => new RecordingClient(number, seed + number, cluster.All, history, _clock, Break)).ToList();
        await using var bystanders = new Bystanders(seed + Clients, cluster.All, firstRevision, _clock, Break);
        try
        {
            var tending = cluster.TendAsync(stopping.Token);
            var working = clients.Select(client => Task.Run(() => client.WorkAsync(Generation, stopping.Token))).Append(bystanders.HoldLeasesAsync(stopping.Token)).ToList();
            try
            {
                await Task.Delay(Calm);
                foreach (var strike in strikes)
                {
                    await Task.WhenAll(strike.Select(StrikeAsync));
                    await Task.Delay(Calm);
                }
                await MendAsync(clients);
            }
            finally
            {
                await stopping.CancelAsync();
                await Task.WhenAll([.. working, tending]);
            }
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        await LeasesEndAsync();
        var lastRevision = await AgreeAsync();
        if (!await bystanders.SeeAsync(lastRevision, new Patience(ProgressBound)))
            Break($"Not every watcher was told of all up to revision {lastRevision}: {bystanders}. {await DescribeAsync()}");
        if (cluster.UnexpectedEnds.Concat(_broken).ToList() is { Count: > 0 } broken)
            throw new RobustnessException(string.Join('\n', broken));
        Judge(history.Operations, firstRevision, bystanders, lastRevision);
    }

    private void Break(string promise)
    {
        lock (_broken)
            _broken.Add(promise);
    }

    private async Task StrikeAsync(PlannedFault planned)
    {
        var members = cluster.Members;
        var target = planned.HitsLeader ? await cluster.KnownLeaderAsync() : null;
        var victims = new Victims(cluster, target ?? members[planned.Place % members.Count], planned.Strength);
        report($"  {planned.Fault.Name}: {victims.Target.Name}{(target is null ? "" : ", which leads,")} for {planned.Length.TotalSeconds:F1} s");
        Totals.Strike(planned.Fault);
        await TryAsync(planned.Fault, planned.Fault.Strike, victims);
        await Task.Delay(planned.Length);
        await TryAsync(planned.Fault, planned.Fault.Mend, victims);
    }

    /// <summary>What could not be done while other things were broken is made good when the round ends.</summary>
    private async Task TryAsync(Fault fault, Func<Victims, Task> act, Victims victims)
    {
        try
        {
            await act(victims);
        }
        catch (Exception failure) when (failure is TimeoutException or RpcException)
        {
            report($"  {fault.Name} was not completed: {failure.Message}");
        }
    }

    /// <summary>After all faults: the members are whole again, and every client is served in time.</summary>
    private async Task MendAsync(IReadOnlyList<RecordingClient> clients)
    {
        await cluster.SettleAsync(new Patience(SettlingBound));
        var mended = _clock.Elapsed;
        var served = clients.Where(client => client.LoyalTo is not { } member || cluster.Members.Contains(member)).ToList();
        var patience = new Patience(ProgressBound);
        while (served.Any(client => client.LastAnswer < mended.Ticks / TimeSpan.TicksPerMicrosecond))
        {
            if (patience.IsOver)
                throw new RobustnessException($"Not every client was served within {ProgressBound.TotalSeconds} s after everything had mended. {await DescribeAsync()}");
            await Task.Delay(50);
        }
        var gap = _clock.Elapsed - mended;
        Totals.Recover(gap);
        report($"  all clients served {gap.TotalSeconds:F1} s after everything had mended");
        await Task.Delay(Calm);
    }

    /// <summary>Whoever kept leases alive has stopped: they end, and their keys with them.</summary>
    private async Task LeasesEndAsync()
    {
        var patience = new Patience(ProgressBound);
        var left = "";
        do
        {
            if (patience.IsOver)
                throw new RobustnessException($"Leases that nobody keeps alive did not end within {ProgressBound.TotalSeconds} s: {left}. {await DescribeAsync()}");
            await Task.Delay(100);
            await cluster.EverywhereAsync(patience, async member =>
            {
                var keys = new RangeRequest { Key = ByteString.CopyFromUtf8(LeaseBook.Prefix), RangeEnd = ByteString.CopyFromUtf8("lease0") };
                var leases = await member.Leases.LeaseLeasesAsync(new LeaseLeasesRequest(), deadline: TestCluster.Deadline(2));
                var found = await member.KeyValue.RangeAsync(keys, deadline: TestCluster.Deadline(2));
                left = string.Join(", ", leases.Leases.Select(lease => $"{lease.ID}").Concat(found.Kvs.Select(pair => $"{pair.Key.ToStringUtf8()} under {pair.Lease}")));
            });
        }
        while (left.Length > 0);
    }

    private async Task<long> AgreeAsync()
    {
        var revision = await RevisionAsync();
        var patience = new Patience(ProgressBound);
        while (true)
        {
            var answers = await Task.WhenAll(cluster.Members.Select(async member => (Member: member, Status: await TestCluster.StatusAsync(member))));
            if (answers.All(answer => answer.Status?.Header.Revision >= revision))
                break;
            if (patience.IsOver)
                throw new RobustnessException($"Not every member came to revision {revision}. {await DescribeAsync()}");
            await Task.Delay(100);
        }

        var hashes = new Dictionary<string, HashKVResponse>();
        foreach (var member in cluster.Members)
            hashes[member.Name] = await member.Maintenance.HashKVAsync(new HashKVRequest { Revision = revision }, deadline: TestCluster.Deadline(10));
        if (hashes.Values.Select(hash => (hash.Hash, hash.CompactRevision)).Distinct().Count() > 1)
            throw new RobustnessException($"The members do not hold the same at revision {revision}: {string.Join(", ", hashes.Select(hash => $"{hash.Key} {hash.Value.Hash:x8}"))}");
        return revision;
    }

    private void Judge(IReadOnlyList<Operation> operations, long firstRevision, Bystanders bystanders, long lastRevision)
    {
        // A write that nobody knows the outcome of may come late, and then counts in the next round.
        var history = _openBefore.Concat(operations).ToList();
        _openBefore = [.. operations.Where(operation => operation.Response is null)];
        Totals.Count(operations);
        var watch = Stopwatch.StartNew();
        var (broken, ofLeases) = bystanders.Judge(history, firstRevision, lastRevision);
        if (broken is not null)
            throw new RobustnessException(broken);
        var verdicts = new[] { RevisionChecker.Check([.. history, .. ofLeases], firstRevision), LinearizabilityChecker.Check(history) };
        report($"  {operations.Count} operations, {_openBefore.Count} of unknown outcome; {bystanders}; judged in {watch.Elapsed.TotalSeconds:F1} s");
        Totals.Count(bystanders);
        foreach (var verdict in verdicts)
        {
            if (verdict is Verdict.Broken wrong)
                throw new RobustnessException(wrong.Violation.ToString());
            if (verdict is Verdict.Undecided undecided)
                Totals.LeaveUndecided(undecided.Why);
        }
    }

    private async Task<long> RevisionAsync()
    {
        long revision = 0;
        await cluster.EverywhereAsync(new Patience(ProgressBound), async member =>
        {
            var any = new RangeRequest { Key = ByteString.CopyFromUtf8("any") };
            revision = (await member.KeyValue.RangeAsync(any, deadline: TestCluster.Deadline(2))).Header.Revision;
        });
        return revision;
    }

    private async Task<string> DescribeAsync()
    {
        var answers = await Task.WhenAll(cluster.Members.Select(async member => $"{member.Name}: {await TestCluster.StatusAsync(member)}\n    {string.Join("\n    ", member.LastWords())}"));
        return string.Join('\n', answers);
    }
}

/// <summary>A promise of the datastore was broken.</summary>
internal sealed class RobustnessException(string message) : Exception(message);
