using Google.Protobuf;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <summary>
/// Reads the bytes of commands. Protobuf's reader copies each key and value into an array of its own; of a put, by far the most
/// frequent command, they are here slices of the bytes that were given, to which nobody writes. What has another form than our
/// own members give it is left to protobuf, whose result is always the same.
/// </summary>
internal static class CommandReader
{
    private const int TimeTag = (Command.TimeUnixMsFieldNumber << 3) | (int)WireFormat.WireType.Varint;
    private const int SessionTag = (Command.SessionFieldNumber << 3) | (int)WireFormat.WireType.LengthDelimited;
    private const int IdentityTag = (Command.IdentityFieldNumber << 3) | (int)WireFormat.WireType.LengthDelimited;
    private const int PutTag = (Command.PutFieldNumber << 3) | (int)WireFormat.WireType.LengthDelimited;

    private const int KeyTag = (PutRequest.KeyFieldNumber << 3) | (int)WireFormat.WireType.LengthDelimited;
    private const int ValueTag = (PutRequest.ValueFieldNumber << 3) | (int)WireFormat.WireType.LengthDelimited;
    private const int LeaseTag = (PutRequest.LeaseFieldNumber << 3) | (int)WireFormat.WireType.Varint;
    private const int PrevKvTag = (PutRequest.PrevKvFieldNumber << 3) | (int)WireFormat.WireType.Varint;
    private const int IgnoreValueTag = (PutRequest.IgnoreValueFieldNumber << 3) | (int)WireFormat.WireType.Varint;
    private const int IgnoreLeaseTag = (PutRequest.IgnoreLeaseFieldNumber << 3) | (int)WireFormat.WireType.Varint;

    /// <exception cref="InvalidProtocolBufferException">The bytes are no command.</exception>
    public static Command Read(ReadOnlyMemory<byte> data) => ReadWithPut(data) ?? Command.Parser.ParseFrom(data.Span);

    /// <returns>Null: not a put, or not as our own members write it.</returns>
    private static Command? ReadWithPut(ReadOnlyMemory<byte> data)
    {
        var command = new Command();
        var fields = new Fields(data);
        while (fields.Next())
        {
            switch (fields.Tag)
            {
                case TimeTag:
                    command.TimeUnixMs = (long)fields.Number;
                    break;
                case SessionTag when command.Session is null:
                    command.Session = SessionStamp.Parser.ParseFrom(fields.Bytes.Span);
                    break;
                case IdentityTag when command.Identity is null:
                    command.Identity = AuthIdentity.Parser.ParseFrom(fields.Bytes.Span);
                    break;
                case PutTag when command.Put is null && ReadPut(fields.Bytes) is { } put:
                    command.Put = put;
                    break;
                default:
                    return null;
            }
        }

        return fields.IsWhole && command.Put is not null ? command : null;
    }

    private static PutRequest? ReadPut(ReadOnlyMemory<byte> data)
    {
        var put = new PutRequest();
        var fields = new Fields(data);
        while (fields.Next())
        {
            switch (fields.Tag)
            {
                case KeyTag:
                    put.Key = UnsafeByteOperations.UnsafeWrap(fields.Bytes);
                    break;
                case ValueTag:
                    put.Value = UnsafeByteOperations.UnsafeWrap(fields.Bytes);
                    break;
                case LeaseTag:
                    put.Lease = (long)fields.Number;
                    break;
                case PrevKvTag:
                    put.PrevKv = fields.Number != 0;
                    break;
                case IgnoreValueTag:
                    put.IgnoreValue = fields.Number != 0;
                    break;
                case IgnoreLeaseTag:
                    put.IgnoreLease = fields.Number != 0;
                    break;
                default:
                    return null;
            }
        }

        return fields.IsWhole ? put : null;
    }

    /// <summary>The fields of a message, one after the other, as long as they are numbers or bytes.</summary>
    private struct Fields(ReadOnlyMemory<byte> data)
    {
        private const int VarintBytesMax = 10;

        private ReadOnlyMemory<byte> _rest = data;

        /// <summary>Number and type of the field.</summary>
        public uint Tag { get; private set; }

        /// <summary>The value of a varint; of bytes, how many they are.</summary>
        public ulong Number { get; private set; }

        public ReadOnlyMemory<byte> Bytes { get; private set; }

        /// <summary>Up to here there was nothing but such fields.</summary>
        public bool IsWhole { get; private set; } = true;

        /// <summary>False: the end, or something else.</summary>
        public bool Next()
        {
            if (_rest.IsEmpty)
            {
                return false;
            }

            IsWhole = TryReadVarint(out var tag) && tag <= uint.MaxValue && TryReadVarint(out var number)
                && TryTake((uint)tag, number);
            return IsWhole;
        }

        private bool TryTake(uint tag, ulong number)
        {
            (Tag, Number) = (tag, number);
            switch (WireFormat.GetTagWireType(tag))
            {
                case WireFormat.WireType.Varint:
                    return true;
                case WireFormat.WireType.LengthDelimited when number <= (ulong)_rest.Length:
                    (Bytes, _rest) = (_rest[..(int)number], _rest[(int)number..]);
                    return true;
                default:
                    return false;
            }
        }

        private bool TryReadVarint(out ulong value)
        {
            value = 0;
            var span = _rest.Span;
            for (var at = 0; at < span.Length && at < VarintBytesMax; at++)
            {
                value |= (ulong)(span[at] & 0x7F) << (7 * at);
                if (span[at] < 0x80)
                {
                    _rest = _rest[(at + 1)..];
                    return true;
                }
            }

            return false;
        }
    }
}
