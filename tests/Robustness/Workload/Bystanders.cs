using System.Diagnostics;
using Raft.Linearizability;
using Raft.Robustness.Tests.Checks;
using Raft.Robustness.Tests.Testbed;
using Member = Raft.Robustness.Tests.Testbed.Member;

namespace Raft.Robustness.Tests.Workload;

/// <summary>The watchers and the lease holders of one round. The watchers see it to its end, the holders stop with the clients.</summary>
internal sealed class Bystanders : IAsyncDisposable
{
    private const int Watchers = 4;
    private const int Holders = 3;

    private readonly LeaseBook _book;
    private readonly List<WatchRecord> _records;
    private readonly List<RecordingWatcher> _watchers;
    private readonly List<LeaseHolder> _holders;
    private readonly List<Task> _watching;
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The watchers begin at once, with what comes after the first revision.</summary>
    public Bystanders(int seed, IReadOnlyList<Member> members, long firstRevision, Stopwatch clock, Action<string> reportBroken)
    {
        _book = new LeaseBook(reportBroken);
        _records = [.. Enumerable.Range(0, Watchers).Select(number => new WatchRecord($"watcher {number}", firstRevision + 1))];
        _watchers = [.. _records.Select((record, number) => new RecordingWatcher(number, seed + number, members, record, _book, clock, reportBroken))];
        _holders = [.. Enumerable.Range(0, Holders).Select(number => new LeaseHolder(number, seed + Watchers + number, members, _book, clock, reportBroken))];
        _watching = [.. _watchers.Select(watcher => Task.Run(() => watcher.WatchAsync(_stopping.Token)))];
    }

    /// <summary>Streams of watches.</summary>
    public int Streams => _watchers.Sum(watcher => watcher.Streams);

    /// <summary>Changes that watchers were told of, each as often as it was told.</summary>
    public int Events { get; private set; }

    public int Leases => _book.Count;

    public Task HoldLeasesAsync(CancellationToken stop) => Task.WhenAll(_holders.Select(holder => Task.Run(() => holder.WorkAsync(stop))));

    /// <summary>Waits until every watcher has seen a revision, and ends them.</summary>
    /// <returns>False: it took too long.</returns>
    public async Task<bool> SeeAsync(long revision, Patience patience)
    {
        while (_records.Exists(record => record.Next <= revision))
        {
            if (patience.IsOver)
                return false;
            await Task.Delay(50);
        }
        await StopAsync();
        return true;
    }

    /// <summary>Holds all that was seen against the history; once the watchers have ended.</summary>
    /// <returns>The broken promise, or null; and what was written under leases, as operations.</returns>
    public (string? Broken, IReadOnlyList<Operation> OfLeases) Judge(IReadOnlyList<Operation> history, long firstRevision, long lastRevision)
    {
        var checker = new WatchChecker(_records, firstRevision, lastRevision);
        Events = checker.Told.Keys.Sum(revision => _records.Sum(record => record.At(revision).Count));
        var broken = checker.Check(history, _book) ?? LeaseBook.AllAreGone(checker.Told.Values.SelectMany(events => events));
        return (broken, [.. checker.OfLeases(history)]);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Events} events on {Streams} streams of watchers up to {string.Join(", ", _records.Select(record => record.Next - 1))}, {Leases} leases";

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _watchers.ForEach(watcher => watcher.Dispose());
        _holders.ForEach(holder => holder.Dispose());
        _stopping.Dispose();
    }

    private async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_watching);
    }
}
