using Raft.Differential.Tests.Requests;

namespace Raft.Differential.Tests.Comparison;

/// <summary>Makes a sequence shorter that ends in a difference, by leaving out ever smaller parts of it (Zeller's ddmin, roughly).</summary>
internal static class Shrinking
{
    /// <param name="steps">A sequence that ends in a difference when fresh servers run it.</param>
    /// <param name="tryAsync">Runs another; gives the difference, if there is one.</param>
    /// <param name="triesMax">How often that may be done.</param>
    public static async Task<Difference?> ShortenAsync(
        IReadOnlyList<Step> steps, Func<IReadOnlyList<Step>, Task<Difference?>> tryAsync, int triesMax)
    {
        Difference? shortest = null;
        var part = Math.Max(1, steps.Count / 2);
        while (triesMax > 0)
        {
            var hasShrunk = false;
            for (var start = Math.Max(0, steps.Count - part); triesMax-- > 0;)
            {
                List<Step> fewer = [.. steps.Take(start), .. steps.Skip(start + part)];
                if (fewer.Count < steps.Count && await tryAsync(fewer) is { } difference)
                    (steps, shortest, hasShrunk) = (fewer, difference, true);
                if (start == 0) break;
                start = Math.Max(0, start - part);
            }

            if (part == 1 && !hasShrunk) break;
            part = Math.Max(1, part / 2);
        }

        return shortest;
    }
}
