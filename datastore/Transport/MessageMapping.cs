using System.Collections.Immutable;
using Google.Protobuf;
using Raft.Consensus;
using Wire = Raft.Protocol.V1;

namespace Raft.Transport;

/// <summary>
/// Messages of the core as they go over the wire, and back. The data of entries is shared rather than copied: nobody writes
/// to it.
/// </summary>
internal static class MessageMapping
{
    // Fields of an entry besides its data, and their tags.
    private const int EntryOverheadBytes = 32;

    public static Wire.Message ToWire(Message message)
    {
        var wire = new Wire.Message
        {
            Kind = (uint)message.Kind,
            From = message.From.Value,
            To = message.To.Value,
            Term = message.Term.Value,
            LogTerm = message.Log.Term.Value,
            Index = message.Log.Index.Value,
            Commit = message.Commit.Value,
            Reject = message.Reject,
            HintTerm = message.Hint.Term.Value,
            HintIndex = message.Hint.Index.Value,
            Context = message.Context,
        };
        foreach (var entry in message.Entries)
        {
            wire.Entries.Add(new Wire.Entry
            {
                Term = entry.Id.Term.Value,
                Index = entry.Id.Index.Value,
                Kind = (uint)entry.Kind,
                Data = UnsafeByteOperations.UnsafeWrap(entry.Data),
            });
        }

        if (message.Snapshot is { } snapshot)
        {
            wire.Snapshot = new()
            {
                Term = snapshot.Last.Term.Value,
                Index = snapshot.Last.Index.Value,
                Configuration = new()
                {
                    Voters = { snapshot.Configuration.Voters.Select(id => id.Value) },
                    Learners = { snapshot.Configuration.Learners.Select(id => id.Value) },
                },
            };
        }

        return wire;
    }

    /// <exception cref="InvalidDataException">The message or an entry is of a kind that this version does not know, or malformed.</exception>
    public static Message FromWire(Wire.Message wire)
    {
        if (wire.Kind > byte.MaxValue || !Enum.IsDefined((MessageKind)wire.Kind))
        {
            throw new InvalidDataException($"A message is of the unknown kind {wire.Kind}.");
        }

        return new()
        {
            Kind = (MessageKind)wire.Kind,
            From = new(wire.From),
            To = new(wire.To),
            Term = new(wire.Term),
            Log = Id(wire.LogTerm, wire.Index),
            Commit = new(wire.Commit),
            Reject = wire.Reject,
            Hint = Id(wire.HintTerm, wire.HintIndex),
            Context = wire.Context,
            Entries = EntriesOf(wire),
            Snapshot = wire.Snapshot is { } snapshot
                ? new(Id(snapshot.Term, snapshot.Index), new(Members(snapshot.Configuration?.Voters), Members(snapshot.Configuration?.Learners)))
                : null,
        };
    }

    /// <summary>About how many bytes the message takes on the wire and in memory.</summary>
    public static long BytesOf(Message message)
    {
        long bytes = 64;
        foreach (var entry in message.Entries)
        {
            bytes += entry.Data.Length + EntryOverheadBytes;
        }

        return bytes;
    }

    private static LogEntry[] EntriesOf(Wire.Message wire)
    {
        if (wire.Entries.Count == 0)
        {
            return [];
        }

        var entries = new LogEntry[wire.Entries.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = wire.Entries[i];
            if (entry.Kind > byte.MaxValue || !Enum.IsDefined((EntryKind)entry.Kind))
            {
                throw new InvalidDataException($"Entry {entry.Index} is of the unknown kind {entry.Kind}.");
            }

            if (entry.Kind == (uint)EntryKind.ConfigurationChange)
            {
                // The core reads these itself, once they are in the log and it is too late to refuse them.
                ConfigurationChange.Decode(entry.Data.Memory);
            }

            entries[i] = new(Id(entry.Term, entry.Index), (EntryKind)entry.Kind, entry.Data.Memory);
        }

        return entries;
    }

    private static EntryId Id(ulong term, ulong index) => new(new(term), new(index));

    private static ImmutableSortedSet<MemberId> Members(IEnumerable<ulong>? ids) =>
        ids is null ? [] : [.. ids.Select(id => new MemberId(id))];
}
