using CsCheck;
using Google.Protobuf;
using Raft.Consensus;

namespace Raft.Transport.Tests;

public sealed class MessageMappingTests
{
    [Fact]
    public void Every_message_comes_back_as_it_was() =>
        Gen.Int.Sample(seed =>
        {
            var message = RandomMessage(new Random(seed));
            var wire = Protocol.V1.Message.Parser.ParseFrom(MessageMapping.ToWire(message).ToByteArray());
            var back = MessageMapping.FromWire(wire);
            Assert.Equal(message.Entries.Select(Text), back.Entries.Select(Text));
            Assert.Equal(message with { Entries = [] }, back with { Entries = [] });
        });

    [Fact]
    public void A_kind_that_is_unknown_is_refused()
    {
        Assert.Throws<InvalidDataException>(() => MessageMapping.FromWire(new() { Kind = 99 }));
        Assert.Throws<InvalidDataException>(() => MessageMapping.FromWire(new() { Kind = 257 }));
        Assert.Throws<InvalidDataException>(() => MessageMapping.FromWire(new() { Kind = 5, Entries = { new Protocol.V1.Entry { Kind = 9 } } }));
    }

    [Fact]
    public void A_change_of_members_that_cannot_be_read_is_refused_before_it_is_in_the_log()
    {
        var entry = new Protocol.V1.Entry { Kind = (uint)EntryKind.ConfigurationChange, Data = ByteString.CopyFromUtf8("?") };
        Assert.Throws<InvalidDataException>(() => MessageMapping.FromWire(new() { Kind = (uint)MessageKind.AppendRequest, Entries = { entry } }));
    }

    private static string Text(LogEntry entry) => $"{entry.Id} {entry.Kind} {Convert.ToHexString(entry.Data.Span)}";

    private static LogEntry RandomEntry(Random random, EntryId id) => random.Next(2) == 0
        ? new(id, EntryKind.Command, new byte[random.Next(9)])
        : new(
            id,
            EntryKind.ConfigurationChange,
            new ConfigurationChange(ConfigurationChangeKind.RemoveMember, new((ulong)random.NextInt64()), new byte[random.Next(9)]).Encode());

    private static Message RandomMessage(Random random)
    {
        EntryId Id() => new(new((ulong)random.NextInt64()), new((ulong)random.NextInt64()));
        var kinds = Enum.GetValues<MessageKind>();
        return new()
        {
            Kind = kinds[random.Next(kinds.Length)],
            From = new((ulong)random.NextInt64()),
            To = new(ulong.MaxValue),
            Term = new((ulong)random.NextInt64()),
            Log = Id(),
            Commit = new((ulong)random.NextInt64()),
            Reject = random.Next(2) == 0,
            Hint = Id(),
            Context = (ulong)random.NextInt64(),
            Entries = [.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomEntry(random, Id()))],
            Snapshot = random.Next(2) == 0 ? null : new(Id(), new([new(1), new(ulong.MaxValue)], random.Next(2) == 0 ? [] : [new(3)])),
        };
    }
}
