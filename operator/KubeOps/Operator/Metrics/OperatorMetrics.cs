using System.Diagnostics.Metrics;

namespace KubeOps.Operator.Metrics;

/// <summary>What the runtime counts and measures, under the meter <see cref="MeterName"/>.</summary>
public sealed class OperatorMetrics
{
    /// <summary>Name of the meter, for those who export it.</summary>
    public const string MeterName = "KubeOps.Operator";

    private readonly Counter<long> _reconciliations;
    private readonly Histogram<double> _durations;
    private readonly Counter<long> _restarts;
    private readonly UpDownCounter<long> _running;
    private readonly Meter _meter;
    private int _leading;

    /// <summary>Registers the instruments.</summary>
    public OperatorMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(MeterName);
        _reconciliations = _meter.CreateCounter<long>("operator.reconciliations", description: "Reconciliations that ended, by type and result.");
        _durations = _meter.CreateHistogram<double>("operator.reconciliation.duration", "s", "Time that reconciliations took, by type.");
        _running = _meter.CreateUpDownCounter<long>("operator.reconciliations.running", description: "Reconciliations under way, by type.");
        _restarts = _meter.CreateCounter<long>("operator.watch.restarts", description: "Watches that had to begin anew, by type and reason.");
        _meter.CreateObservableGauge("operator.leading", () => _leading, description: "1 while this replica holds the lease.");
    }

    /// <summary>Whether this replica acts.</summary>
    public bool Leading
    {
        get => _leading == 1;
        set => _leading = value ? 1 : 0;
    }

    /// <summary>Has the length of a queue be read whenever metrics are.</summary>
    public void Observe(string type, Func<int> queueLength, Func<int> entities)
    {
        var tag = new KeyValuePair<string, object?>("type", type);
        _meter.CreateObservableGauge("operator.queue.length", () => new Measurement<int>(queueLength(), tag), description: "Entities that wait, by type.");
        _meter.CreateObservableGauge("operator.entities", () => new Measurement<int>(entities(), tag), description: "Entities that exist, by type.");
    }

    /// <summary>A reconciliation began.</summary>
    public void Began(string type) => _running.Add(1, new KeyValuePair<string, object?>("type", type));

    /// <summary>A reconciliation ended.</summary>
    public void Ended(string type, string result, TimeSpan duration)
    {
        var tag = new KeyValuePair<string, object?>("type", type);
        _running.Add(-1, tag);
        _reconciliations.Add(1, tag, new KeyValuePair<string, object?>("result", result));
        _durations.Record(duration.TotalSeconds, tag);
    }

    /// <summary>A watch had to begin anew.</summary>
    public void WatchRestarted(string type, string reason) =>
        _restarts.Add(1, new KeyValuePair<string, object?>("type", type), new KeyValuePair<string, object?>("reason", reason));
}
