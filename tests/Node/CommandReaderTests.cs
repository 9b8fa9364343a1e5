using CsCheck;
using Google.Protobuf;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node.Tests;

/// <summary>The reader of commands reads what protobuf's own would: all members have to take the same from the same bytes.</summary>
public sealed class CommandReaderTests
{
    private static readonly Gen<ByteString> Bytes = Gen.Byte.Array[0, 40].Select(ByteString.CopyFrom);

    private static readonly Gen<PutRequest> Puts =
        from key in Bytes
        from value in Bytes
        from lease in Gen.OneOf(Gen.Const(0L), Gen.Long)
        from flags in Gen.Int[0, 7]
        select new PutRequest
        {
            Key = key,
            Value = value,
            Lease = lease,
            PrevKv = (flags & 1) != 0,
            IgnoreValue = (flags & 2) != 0,
            IgnoreLease = (flags & 4) != 0,
        };

    private static readonly Gen<SessionStamp?> Stamps =
        Gen.OneOf(Gen.Const((SessionStamp?)null), Gen.ULong.Select(number => (SessionStamp?)new SessionStamp { Session = number, Sequence = 7 }));

    private static readonly Gen<Command> Commands =
        from time in Gen.Long
        from put in Puts
        from session in Stamps
        from hasIdentity in Gen.Bool
        from isPut in Gen.Int[0, 3]
        select Command(time, session, hasIdentity ? new AuthIdentity { User = "alice", AuthRevision = 3 } : null, put, isPut > 0);

    [Fact]
    public void A_command_is_read_as_it_was_written() =>
        Commands.Sample(command => Assert.Equal(command, CommandReader.Read(command.ToByteArray())));

    /// <summary>Cut off, with a byte changed, or with something added, as a newer member might write it.</summary>
    [Fact]
    public void Whatever_the_bytes_are_they_are_read_or_refused_as_protobuf_does() => Gen.Select(Commands, Gen.Int[0, 200], Gen.Byte, Bytes).Sample(
        (command, at, changed, added) =>
        {
            var bytes = command.ToByteArray();
            AssertSame(bytes[..(at % (bytes.Length + 1))]);
            AssertSame([.. bytes, .. added]);
            if (bytes.Length > 0)
            {
                bytes[at % bytes.Length] = changed;
            }

            AssertSame(bytes);
        });

    /// <summary>Copies of each would be most of what applying a put allocates.</summary>
    [Fact]
    public void Key_and_value_of_a_put_stay_where_they_are()
    {
        var bytes = new Command { Put = new() { Key = ByteString.CopyFromUtf8("key"), Value = ByteString.CopyFromUtf8("value") } }.ToByteArray();
        var put = CommandReader.Read(bytes).Put;
        Assert.True(bytes.AsSpan().Overlaps(put.Key.Span));
        Assert.True(bytes.AsSpan().Overlaps(put.Value.Span));
    }

    private static Command Command(long time, SessionStamp? session, AuthIdentity? identity, PutRequest put, bool isPut)
    {
        var command = new Command { TimeUnixMs = time, Session = session, Identity = identity };
        if (isPut)
        {
            command.Put = put;
        }
        else
        {
            command.DeleteRange = new() { Key = put.Key };
        }

        return command;
    }

    private static void AssertSame(byte[] bytes)
    {
        Command expected;
        try
        {
            expected = Protocol.V1.Command.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            Assert.Throws<InvalidProtocolBufferException>(() => CommandReader.Read(bytes));
            return;
        }

        Assert.Equal(expected, CommandReader.Read(bytes));
    }
}
