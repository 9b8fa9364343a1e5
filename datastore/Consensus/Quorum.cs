namespace Raft.Consensus;

/// <summary>The arithmetic of majorities.</summary>
internal static class Quorum
{
    /// <summary>The greatest value that more than half of the voters have reached. With no voters: zero.</summary>
    internal static ulong ReachedByMajority(
        Configuration configuration, Dictionary<MemberId, Progress> progress, Func<Progress, ulong> valueOf)
    {
        var voters = configuration.Voters;
        if (voters.IsEmpty)
        {
            return 0;
        }

        Span<ulong> values = voters.Count <= 16 ? stackalloc ulong[voters.Count] : new ulong[voters.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = progress.TryGetValue(voters[i], out var of) ? valueOf(of) : 0;
        }

        values.Sort();
        return values[values.Length - configuration.Quorum];
    }

    /// <summary>How a vote stands: true won, false lost, null open.</summary>
    internal static bool? Outcome(Configuration configuration, IReadOnlyDictionary<MemberId, bool> votes)
    {
        var granted = configuration.Voters.Count(voter => votes.TryGetValue(voter, out var vote) && vote);
        var refused = configuration.Voters.Count(voter => votes.TryGetValue(voter, out var vote) && !vote);
        if (granted >= configuration.Quorum)
        {
            return true;
        }

        return configuration.Voters.Count - refused < configuration.Quorum ? false : null;
    }
}
