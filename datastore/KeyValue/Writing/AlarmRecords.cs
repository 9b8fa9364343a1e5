using System.Buffers.Binary;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue.Writing;

/// <summary>The active alarms: a record for each kind and member that raised it, in that order.</summary>
internal static class AlarmRecords
{
    private static int PrefixLength => KeyLayout.AlarmPrefix.Length;

    public static byte[] Key(AlarmType kind, ulong memberId)
    {
        var key = new byte[PrefixLength + 1 + sizeof(ulong)];
        KeyLayout.AlarmPrefix.Span.CopyTo(key);
        key[PrefixLength] = (byte)kind;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(PrefixLength + 1), memberId);
        return key;
    }

    /// <summary>The active alarms of one kind; NONE names all.</summary>
    public static List<AlarmMember> List(IStateReader reader, AlarmType kind)
    {
        var alarms = new List<AlarmMember>();
        using var cursor = reader.OpenCursor();
        for (var stands = cursor.SeekAtOrAfter(KeyLayout.AlarmPrefix.Span);
            stands && cursor.Key.StartsWith(KeyLayout.AlarmPrefix.Span);
            stands = cursor.MoveNext())
        {
            var alarm = Decode(cursor.Key[PrefixLength..]);
            if (kind == AlarmType.None || alarm.Alarm == kind) alarms.Add(alarm);
        }
        return alarms;
    }

    /// <summary>The kinds that any member has raised.</summary>
    public static ActiveAlarms Summarise(IStateReader reader)
    {
        var active = ActiveAlarms.None;
        foreach (var alarm in List(reader, AlarmType.None))
        {
            active |= alarm.Alarm switch
            {
                AlarmType.Nospace => ActiveAlarms.NoSpace,
                AlarmType.Corrupt => ActiveAlarms.Corrupt,
                _ => ActiveAlarms.None,
            };
        }
        return active;
    }

    private static AlarmMember Decode(ReadOnlySpan<byte> rest) =>
        new() { Alarm = (AlarmType)rest[0], MemberID = BinaryPrimitives.ReadUInt64BigEndian(rest[1..]) };
}
