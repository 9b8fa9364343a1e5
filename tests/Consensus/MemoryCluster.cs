namespace Raft.Consensus.Tests;

/// <summary>Members in one thread whose network delivers at once and whose disks are always in time, unless a test says not.</summary>
internal sealed class MemoryCluster
{
    private readonly Queue<Message> _network = new();

    internal MemoryCluster(params ulong[] voters)
    {
        var configuration = new Configuration([.. voters.Select(id => new MemberId(id))], []);
        foreach (var id in voters)
        {
            Start(id, new RecoveredState(default, EntryId.Zero, [], LogIndex.Zero, configuration));
        }
    }

    internal SortedDictionary<ulong, Member> Members { get; } = [];

    /// <summary>Messages for which this holds are lost.</summary>
    internal Func<Message, bool> IsLost { get; set; } = _ => false;

    internal Member Start(ulong id, RecoveredState state)
    {
        var random = new Random((int)id);
        var module = new ConsensusModule(new ConsensusOptions { Id = new MemberId(id), Random = random.Next }, state);
        return Members[id] = new Member(module);
    }

    internal Member Elect(ulong id)
    {
        Members[id].Module.Campaign();
        Settle();
        Assert.Equal(Role.Leader, Members[id].Module.Role);
        return Members[id];
    }

    internal void Tick(int count = 1)
    {
        for (var i = 0; i < count; i++)
        {
            foreach (var member in Members.Values)
            {
                member.Module.Tick();
            }

            Settle();
        }
    }

    /// <summary>Lets everything happen that can happen without a tick.</summary>
    internal void Settle()
    {
        for (var turn = 0; turn < 10_000; turn++)
        {
            var isQuiet = true;
            foreach (var member in Members.Values)
            {
                while (member.Module.HasOutput)
                {
                    isQuiet = false;
                    member.Work(_network);
                }
            }

            while (_network.TryDequeue(out var message))
            {
                isQuiet = false;
                if (!IsLost(message) && Members.TryGetValue(message.To.Value, out var to))
                {
                    to.Module.Receive(message);
                }
            }

            if (isQuiet)
            {
                return;
            }
        }

        Assert.Fail("The members never stop talking.");
    }
}

/// <summary>One member with what it applied and the reads it released.</summary>
internal sealed class Member(ConsensusModule module)
{
    internal ConsensusModule Module => module;

    internal List<LogEntry> Applied { get; } = [];

    internal List<ReleasedRead> Reads { get; } = [];

    internal List<ulong> DroppedReads { get; } = [];

    internal IEnumerable<byte> Commands => Applied.Where(entry => entry is { Kind: EntryKind.Command, Data.Length: > 0 }).Select(entry => entry.Data.Span[0]);

    internal void Work(Queue<Message> network)
    {
        var output = module.TakeOutput();
        foreach (var message in output.Messages)
        {
            var status = module.Status;
            network.Enqueue(message.Kind == MessageKind.SnapshotRequest
                ? message with { Snapshot = new SnapshotMetadata(Applied[^1].Id, status.Configuration) }
                : message);
            if (message.Kind == MessageKind.SnapshotRequest)
            {
                module.SnapshotSent(message.To, delivered: true);
            }
        }

        if (output.InstallSnapshot is { } snapshot)
        {
            Applied.Clear();
            Applied.Add(new LogEntry(snapshot.Last, EntryKind.Command, default));
        }

        Applied.AddRange(output.Committed);
        Reads.AddRange(output.ReleasedReads);
        DroppedReads.AddRange(output.DroppedReads);
        if (output.Committed.Count > 0)
        {
            module.Applied(output.Committed[^1].Id.Index);
        }

        if (output.PersistSequence > 0)
        {
            module.Persisted(output.PersistSequence);
        }
    }
}
