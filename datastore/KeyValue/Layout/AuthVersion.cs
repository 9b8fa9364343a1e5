using System.Buffers.Binary;

namespace Raft.KeyValue.Layout;

/// <summary>
/// Names one state of users and roles, for which it is all that a reader has to compare; part of <see cref="StoreState"/>, so that
/// a view says which permissions go with its data.
/// </summary>
/// <param name="IsEnabled">Is anything checked?</param>
/// <param name="Revision">Counts changes of users and roles, and every switching off; etcd's begins at 1.</param>
internal readonly record struct AuthVersion(bool IsEnabled, ulong Revision)
{
    public const int EncodedLength = 9;

    public static readonly AuthVersion Blank = new(false, 1);

    public AuthVersion Next => this with { Revision = Revision + 1 };

    public void Encode(Span<byte> target)
    {
        target[0] = IsEnabled ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64BigEndian(target[1..], Revision);
    }

    public static AuthVersion Decode(ReadOnlySpan<byte> record) => new(record[0] != 0, BinaryPrimitives.ReadUInt64BigEndian(record[1..]));
}
