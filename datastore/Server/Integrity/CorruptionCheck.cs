using System.Diagnostics;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Membership;
using Raft.Transport;

namespace Raft.Server.Integrity;

/// <summary>
/// Finds members that do not hold what the others hold, by their hashes: a member that starts looks at itself before it serves, and
/// the leader looks at all now and then (etcd: initial-corrupt-check, corrupt-check-time).
/// </summary>
internal sealed class CorruptionCheck(Node.Node node, StateHashing hashing, PeerTransport transport, ulong self, ILogger logger)
{
    /// <summary>The leader rests so many times as long as its last check took: large stores are checked less often.</summary>
    private const int RestFactor = 20;

    /// <summary>What an empty store is at: there is nothing to compare.</summary>
    private const long FirstRevision = 1;

    /// <summary>
    /// A store of some hundred thousand keys is hashed in less. What takes longer is left to the check in the background: a restart of ten
    /// million keys took twenty seconds where it was waited for.
    /// </summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan BackgroundLimit = TimeSpan.FromMinutes(30);

    private long _checks;
    private long _found;

    /// <summary>Checks of all members that this one made as the leader.</summary>
    public long Checks => Interlocked.Read(ref _checks);

    /// <summary>How many of them found members that differ.</summary>
    public long Found => Interlocked.Read(ref _found);

    /// <summary>Compares this member with those that answer; one that does not holds nothing up.</summary>
    /// <exception cref="CannotStartException">It may be broken.</exception>
    public async Task BeforeServingAsync(CancellationToken cancellation)
    {
        using var view = node.Store.OpenView();
        if (view.Revision <= FirstRevision)
        {
            return;
        }

        var answers = await AskAsync(view, linearizable: false, StartLimit, cancellation);
        var comparisons = await CompareAsync(view, answers, rests: false, cancellation);
        var differing = Describe(comparisons);
        if (!Verdict.MayServe(comparisons))
        {
            throw new CannotStartException(
                $"The data of this member, {new MemberId(self)}, is not what other members hold: {differing}. It may be damaged, and does "
                + "not serve. If the others agree with each other, remove this member from the cluster (etcdctl member remove), empty its "
                + "data directory and add it again: it gets all data from them. Otherwise find out first which member is right "
                + "(etcdctl endpoint hashkv --cluster); --initial-corrupt-check=false starts it as it is.");
        }

        if (differing.Length > 0)
        {
            logger.OthersDiffer(differing);
        }

        logger.ComparedAtStart(view.Revision, comparisons.Count, node.Members.Count - 1);
    }

    /// <summary>Checks all members at an interval, whenever this one leads.</summary>
    public async Task RunAsync(TimeSpan interval, CancellationToken stop)
    {
        var rest = interval;
        while (true)
        {
            await Task.Delay(rest, stop);
            rest = interval;
            if (!node.Status.IsLeader)
            {
                continue;
            }

            var started = Stopwatch.GetTimestamp();
            try
            {
                await CheckAllAsync(stop);
            }
            catch (Exception error) when (!stop.IsCancellationRequested)
            {
                logger.NotChecked(error.Message);
            }

            var needed = Stopwatch.GetElapsedTime(started) * RestFactor;
            rest = needed > interval ? needed : interval;
        }
    }

    private async Task CheckAllAsync(CancellationToken stop)
    {
        using var view = node.Store.OpenView();
        var before = StateHashing.PointOf(view);
        var answers = await AskAsync(view, linearizable: true, BackgroundLimit, stop);
        await node.ReadBarrierAsync().WaitAsync(stop);
        HashPoint after;
        using (var newest = node.Store.OpenView())
        {
            after = StateHashing.PointOf(newest);
        }

        var impossible = answers
            .Where(answer => Verdict.IsImpossible(before, after, PointOf(answer), answer.Linearizable))
            .Select(answer => answer.MemberId).ToList();
        var comparisons = await CompareAsync(
            view, [.. answers.Where(answer => !impossible.Contains(answer.MemberId))], rests: true, stop);
        List<ulong> culprits = [.. impossible, .. Verdict.Culprits(self, comparisons)];
        Interlocked.Increment(ref _checks);
        if (culprits.Count == 0)
        {
            logger.MembersAgree(1 + answers.Count, before.Revision);
            return;
        }

        Interlocked.Increment(ref _found);
        foreach (var answer in answers.Where(answer => impossible.Contains(answer.MemberId)))
        {
            logger.ImpossibleState(new MemberId(answer.MemberId).ToString(), answer.Revision, answer.CompactRevision, after.Revision, after.CompactedRevision);
        }

        foreach (var culprit in culprits)
        {
            await RaiseAsync(culprit, Describe(comparisons));
        }
    }

    private async Task RaiseAsync(ulong member, string differing)
    {
        logger.CorruptionFound(member == Verdict.Anyone ? "of an unknown member" : $"of member {new MemberId(member)}", differing);
        using (var view = node.Store.OpenView())
        {
            if (view.Alarms(AlarmType.Corrupt).Any(alarm => alarm.MemberID == member))
            {
                return;
            }
        }

        await node.ProposeAsync(new Command
        {
            Alarm = new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = member, Alarm = AlarmType.Corrupt },
        });
    }

    private async Task<IReadOnlyList<StateHashResponse>> AskAsync(
        StoreView view, bool linearizable, TimeSpan limit, CancellationToken cancellation)
    {
        var request = new StateHashRequest { Revision = view.Revision, CompactRevision = view.CompactedRevision, Linearizable = linearizable };
        var answers = await Task.WhenAll(node.Members.Where(member => member.ID != self).Select(async member =>
        {
            var (answer, problem) = await transport.StateHashAsync(new MemberId(member.ID), request, limit, cancellation);
            if (answer is null)
            {
                logger.NotCompared(new MemberId(member.ID).ToString(), problem);
            }

            return answer;
        }));
        return [.. answers.OfType<StateHashResponse>()];
    }

    /// <summary>Puts this member's hashes beside those of the others. Mostly all are of the same, and one hash does.</summary>
    private async Task<IReadOnlyList<Comparison>> CompareAsync(
        StoreView view, IReadOnlyList<StateHashResponse> answers, bool rests, CancellationToken cancellation)
    {
        var own = new Dictionary<HashPoint, uint>();
        var comparisons = new List<Comparison>();
        foreach (var answer in answers)
        {
            var point = StateHashing.PointOf(view).And(PointOf(answer));
            if (point.IsEmpty)
            {
                logger.NotCompared(new MemberId(answer.MemberId).ToString(), "one has compacted what the other has not come to yet");
                continue;
            }

            if (!own.TryGetValue(point, out var hash))
            {
                hash = await hashing.HashAsync(view, point, rests, cancellation);
                own.Add(point, hash);
            }

            comparisons.Add(new(answer.MemberId, point, answer.Hash, hash));
        }

        return comparisons;
    }

    private static HashPoint PointOf(StateHashResponse answer) => new(answer.Revision, answer.CompactRevision);

    private static string Describe(IReadOnlyList<Comparison> comparisons) => string.Join(
        ", ",
        comparisons.Where(comparison => !comparison.IsEqual).Select(comparison =>
            $"member {new MemberId(comparison.Member)} has hash {comparison.Theirs:x8} at revision {comparison.Point.Revision} "
            + $"(compacted at {comparison.Point.CompactedRevision}), this one {comparison.Own:x8}"));
}
