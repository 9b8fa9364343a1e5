namespace Raft.Differential.Tests.Requests;

/// <summary>Choices that a seed decides.</summary>
internal sealed class Draw(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>From 0 to below the bound.</summary>
    public int Below(int bound) => _random.Next(bound);

    /// <summary>Both bounds included.</summary>
    public int Between(int first, int last) => _random.Next(first, last + 1);

    /// <summary>True so many times in a hundred.</summary>
    public bool Percent(int chance) => _random.Next(100) < chance;

    public T Of<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    /// <summary>One of the choices, each as often as its weight says.</summary>
    public T Weighted<T>(params ReadOnlySpan<(int Weight, Func<T> Make)> choices)
    {
        var total = 0;
        foreach (var (weight, _) in choices) total += weight;
        var left = _random.Next(total);
        foreach (var (weight, make) in choices)
        {
            if (left < weight) return make();
            left -= weight;
        }

        throw new InvalidOperationException("The weights do not add up.");
    }

    /// <summary>So many values, from none to the most.</summary>
    public IEnumerable<T> Several<T>(int most, Func<T> make)
    {
        var count = _random.Next(most + 1);
        for (var i = 0; i < count; i++) yield return make();
    }
}
