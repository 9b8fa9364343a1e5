namespace Raft.Linearizability.Tests;

/// <summary>What a small random history may contain.</summary>
internal sealed record SmallHistories(bool HasRevisions, bool HasUnknownOutcomes, bool HasTransactions)
{
    private static readonly string[] Keys = ["a", "b"];
    private static readonly string[] Values = ["x", "y", "z"];

    /// <summary>
    /// A few overlapping operations, done by a store at random moments of theirs, with answers that tell more or less; then, more often
    /// than not, something is made untrue. Whether it can be explained all the same is for the checkers to say.
    /// </summary>
    public IReadOnlyList<Operation> Draw(Random random)
    {
        var keys = random.Next(1, Keys.Length + 1);
        var planned = Enumerable.Range(0, random.Next(2, 7)).Select(client =>
        {
            var invoked = random.Next(12);
            var returned = invoked + random.Next(6);
            return (Client: client, Invoked: invoked, Returned: returned, Moment: invoked + (random.NextDouble() * (returned - invoked)), Request: DrawRequest(random, keys));
        }).ToList();

        var store = new SequentialStore();
        var history = new List<Operation>();
        foreach (var (client, invoked, returned, _, request) in planned.OrderBy(operation => operation.Moment))
        {
            if (HasUnknownOutcomes && random.Next(4) == 0)
            {
                if (random.Next(2) == 0)
                    store.Do(request);
                history.Add(new Operation(client, invoked, request));
            }
            else
            {
                history.Add(Operation.Answered(client, invoked, returned, request, Shorten(random, request, store.Do(request))));
            }
        }

        for (var lies = random.Next(3); lies > 0; lies--)
            Falsify(random, history);
        return history;
    }

    private Request DrawRequest(Random random, int keys)
    {
        var key = Keys[random.Next(keys)];
        var value = Values[random.Next(Values.Length)];
        return random.Next(HasTransactions ? 8 : 6) switch
        {
            0 or 1 => Request.Get(key),
            2 => Request.Put(key, value),
            3 => Request.Delete(key),
            4 => Request.CompareAndSwap(key, random.Next(3) == 0 ? null : Values[random.Next(Values.Length)], value),
            5 => HasRevisions ? Request.CompareAndSwap(key, random.Next(6), value) : Request.Put(key, value),
            6 => new Request([], [new Step.Put(Keys[0], value), new Step.Put(Keys[1], value)], []),
            _ => new Request([new Comparison.Version(key, random.Next(3))], [new Step.Get(Keys[0]), new Step.Get(Keys[1])], [new Step.Delete(Keys[0]), new Step.Put(Keys[1], value)]),
        };
    }

    private Response Shorten(Random random, Request request, Response full)
    {
        var tellsVersions = random.Next(3) > 0;
        var tellsPrevious = random.Next(3) == 0;
        var results = request.Branch(full.Succeeded).Zip(full.Results, (step, result) =>
        {
            var seen = result.Seen!.Value;
            if (seen.Value is not null)
                seen = new Observation(seen.Value, tellsVersions ? seen.Version : null, HasRevisions ? seen.ModRevision : null);
            return result with { Seen = step is Step.Get || tellsPrevious ? seen : null };
        });
        return new Response(full.Succeeded, HasRevisions ? full.Revision : 0, [.. results]);
    }

    private void Falsify(Random random, List<Operation> history)
    {
        var place = random.Next(history.Count);
        if (history[place] is not { Response: { } response } operation)
            return;
        var part = response.Results.IsEmpty ? 0 : random.Next(response.Results.Length);
        history[place] = random.Next(4) switch
        {
            0 when HasRevisions => operation with { Response = response with { Revision = Math.Max(1, response.Revision + random.Next(-1, 2)) } },
            1 => operation with { Invoked = operation.Invoked + 6, Returned = operation.Returned + 6 },
            2 when operation.Request.If.IsEmpty || response.Results.IsEmpty => operation,
            2 => operation with { Response = new Response(!response.Succeeded, response.Revision, [.. operation.Request.Branch(!response.Succeeded).Select(_ => new StepResult(null))]) },
            _ when response.Results.IsEmpty => operation,
            _ => operation with { Response = response with { Results = response.Results.SetItem(part, Falsify(random, operation.Request.Branch(response.Succeeded)[part], response.Results[part])) } },
        };
    }

    private StepResult Falsify(Random random, Step step, StepResult result)
    {
        if (step is Step.Delete && random.Next(2) == 0)
            return new StepResult(null, 1 - result.Deleted);
        if (result.Seen is not { } seen)
            return result;
        var other = random.Next(4) == 0
            ? Observation.Absent
            : new Observation(Values[random.Next(Values.Length)], seen.Version is > 0 ? random.Next(1, 4) : null, HasRevisions ? random.Next(2, 6) : null);
        return new StepResult(other, result.Deleted > 0 && other.Value is not null ? 1 : 0);
    }
}
