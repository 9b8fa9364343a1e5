using System.Diagnostics;
using Grpc.Core;
using Raft.Linearizability;
using Raft.Protocol.Etcd;
using Raft.Robustness.Tests.Faults;
using Raft.Robustness.Tests.Testbed;
using Raft.Robustness.Tests.Workload;

namespace Raft.Robustness.Tests;

/// <summary>
/// A cluster of real processes that clients work with while it is struck. After each round everything mends, and then: clients are served
/// again in time, all members hold the same, no member ended by itself, and both checkers find the round's history right.
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
        try
        {
            var tending = cluster.TendAsync(stopping.Token);
            var working = clients.Select(client => Task.Run(() => client.WorkAsync(Generation, stopping.Token))).ToList();
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

        await AgreeAsync();
        Judge(history.Operations, firstRevision);
        if (cluster.UnexpectedEnds.Concat(_broken).ToList() is { Count: > 0 } broken)
            throw new RobustnessException(string.Join('\n', broken));
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

    private async Task AgreeAsync()
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
    }

    private void Judge(IReadOnlyList<Operation> operations, long firstRevision)
    {
        // A write that nobody knows the outcome of may come late, and then counts in the next round.
        var history = _openBefore.Concat(operations).ToList();
        _openBefore = [.. operations.Where(operation => operation.Response is null)];
        Totals.Count(operations);
        var watch = Stopwatch.StartNew();
        var verdicts = new[] { RevisionChecker.Check(history, firstRevision), LinearizabilityChecker.Check(history) };
        report($"  {operations.Count} operations, {_openBefore.Count} of unknown outcome, judged in {watch.Elapsed.TotalSeconds:F1} s");
        foreach (var verdict in verdicts)
        {
            if (verdict is Verdict.Broken broken)
                throw new RobustnessException(broken.Violation.ToString());
            if (verdict is Verdict.Undecided undecided)
                Totals.LeaveUndecided(undecided.Why);
        }
    }

    private async Task<long> RevisionAsync()
    {
        long revision = 0;
        await cluster.EverywhereAsync(new Patience(ProgressBound), async member =>
        {
            var any = new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("any") };
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
