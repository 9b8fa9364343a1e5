namespace Raft.Linearizability.Tests;

/// <summary>Clients that work side by side on a store that does everything right, and lose some answers.</summary>
internal sealed record LargeHistories(int Operations, int Clients, int Keys, double UnknownShare, bool HasRevisions)
{
    public IReadOnlyList<Operation> Draw(int seed)
    {
        var random = new Random(seed);
        var store = new SequentialStore();
        var history = new List<Operation>();
        // Each event is the moment at which one operation takes effect, or at which a client is free again.
        var events = new PriorityQueue<Action<long>, (long, int)>();
        var sequence = 0;
        void At(long time, Action<long> what) => events.Enqueue(what, (time, sequence++));
        void Work(int client, long now)
        {
            if (history.Count >= Operations)
                return;
            var request = Next(random, history.Count);
            var place = history.Count;
            history.Add(new Operation(client, now, request));
            var isUnknown = random.NextDouble() < UnknownShare;
            if (isUnknown)
            {
                if (random.Next(2) == 0)
                    At(now + random.Next(1, 5000), _ => store.Do(request));
                At(now + 200, later => Work(client, later));
                return;
            }
            At(now + random.Next(1, 100), moment =>
            {
                var full = store.Do(request);
                var response = HasRevisions ? full : new Response(full.Succeeded, 0, [.. full.Results.Select(result => result with { Seen = WithoutRevision(result.Seen) })]);
                At(moment + random.Next(1, 100), returned =>
                {
                    history[place] = Operation.Answered(client, now, returned, request, response);
                    At(returned + random.Next(1, 20), later => Work(client, later));
                });
            });
        }
        for (var client = 0; client < Clients; client++)
            Work(client, random.Next(50));
        while (events.TryDequeue(out var what, out var moment))
            what(moment.Item1);
        return history;
    }

    private Request Next(Random random, int sequence)
    {
        var place = random.Next(Keys);
        var key = $"key{place}";
        return random.Next(20) switch
        {
            < 8 => Request.Get(key),
            < 14 => Request.Put(key, $"value{sequence}"),
            < 16 => Request.CompareAndSwap(key, $"value{random.Next(sequence + 1)}", $"value{sequence}"),
            < 18 => Request.CompareAndSwap(key, null, $"value{sequence}"),
            // Keys are joined in pairs only: more would make one large part of the whole history.
            18 when Keys > 1 => new Request([], [new Step.Put($"key{place & ~1}", $"value{sequence}"), new Step.Put($"key{place | 1}", $"value{sequence}")], []),
            _ => Request.Delete(key),
        };
    }

    private static Observation? WithoutRevision(Observation? seen) => seen is { Value: not null } known ? known with { ModRevision = null } : seen;
}
