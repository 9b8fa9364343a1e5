using Raft.Linearizability;
using Raft.Robustness.Tests.Faults;
using Raft.Robustness.Tests.Workload;

namespace Raft.Robustness.Tests;

/// <summary>What a run did, for its last lines.</summary>
internal sealed class RunTotals
{
    private readonly SortedDictionary<string, int> _strikes = [];
    private readonly List<TimeSpan> _recoveries = [];
    private int _operations;
    private int _open;
    private int _streams;
    private int _events;
    private int _leases;

    public List<string> Undecided { get; } = [];

    public void Strike(Fault fault)
    {
        lock (_strikes)
            _strikes[fault.Name] = _strikes.GetValueOrDefault(fault.Name) + 1;
    }

    public void Recover(TimeSpan gap) => _recoveries.Add(gap);

    public void LeaveUndecided(string why) => Undecided.Add(why);

    public void Count(IReadOnlyList<Operation> operations)
    {
        _operations += operations.Count;
        _open += operations.Count(operation => operation.Response is null);
    }

    public void Count(Bystanders bystanders)
    {
        _streams += bystanders.Streams;
        _events += bystanders.Events;
        _leases += bystanders.Leases;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{_recoveries.Count} rounds, {_operations} operations, {_open} of unknown outcome, {_events} events on {_streams} streams of watchers, {_leases} leases; served again after "
        + $"{_recoveries.Select(gap => gap.TotalSeconds).DefaultIfEmpty().Max():F1} s at the longest; undecided: {Undecided.Count}\n"
        + string.Join('\n', _strikes.Select(strike => $"  {strike.Value,4}  {strike.Key}"));
}
