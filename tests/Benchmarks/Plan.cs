using Raft.Benchmarks.Loads;
using Raft.Benchmarks.Servers;

namespace Raft.Benchmarks;

/// <summary>Whom the clients call.</summary>
internal enum Target
{
    /// <summary>Every member, in turn, as clients that know all endpoints do. A single client calls the leader.</summary>
    All,

    /// <summary>The leader alone.</summary>
    Leader,
}

/// <summary>What to run, and for how long.</summary>
internal sealed record Plan
{
    /// <summary>In the order of the report's columns.</summary>
    public required IReadOnlyList<ServerKind> Servers { get; init; }

    public required IReadOnlyList<Load> Loads { get; init; }

    /// <summary>That exist before anything is measured.</summary>
    public required int Keys { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Before each load, not measured.</summary>
    public required TimeSpan WarmUp { get; init; }

    public required TimeSpan Measured { get; init; }

    /// <summary>Leaders to kill in each round; 0 leaves the restart out too.</summary>
    public required int LeaderKills { get; init; }

    public required Target Target { get; init; }

    public required DirectoryInfo Data { get; init; }
}
