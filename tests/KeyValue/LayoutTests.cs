using CsCheck;
using Google.Protobuf;
using Raft.KeyValue.Layout;

namespace Raft.KeyValue.Tests;

public sealed class LayoutTests
{
    private static readonly Gen<byte[]> UserKey = Gen.Frequency(
        (3, Gen.OneOf<byte>(0x00, 0x01, 0xFE, 0xFF, 0x61)), (1, Gen.Byte)).Array[0, 6];

    private static readonly Gen<long> Revision =
        Gen.OneOf(Gen.Long[0, 300], Gen.Const(0xFFL), Gen.Const(0x1_0000L), Gen.Const(long.MaxValue));

    private static readonly Gen<ChangePosition> Position =
        Gen.Select(Revision, Gen.OneOf(Gen.Int[0, 3], Gen.Const(0x100), Gen.Const(int.MaxValue)), (main, sub) => new ChangePosition(main, sub));

    [Fact]
    public void The_index_sorts_by_user_key_and_then_by_position() =>
        Gen.Select(UserKey, Position, UserKey, Position).Sample((leftKey, leftPosition, rightKey, rightPosition) =>
        {
            var order = leftKey.AsSpan().SequenceCompareTo(rightKey);
            if (order == 0) order = leftPosition.IsAfter(rightPosition) ? 1 : rightPosition.IsAfter(leftPosition) ? -1 : 0;
            var (left, right) = (KeyLayout.IndexKey(leftKey, leftPosition), KeyLayout.IndexKey(rightKey, rightPosition));
            Assert.Equal(Math.Sign(order), Math.Sign(left.AsSpan().SequenceCompareTo(right)));
            Assert.Equal(leftPosition, KeyLayout.PositionOf(left));
        }, iter: 20_000);

    [Fact]
    public void The_next_position_is_the_least_after_one() =>
        Position.Sample(position =>
        {
            if (position.Main == long.MaxValue) return;
            Assert.True(position.Next.IsAfter(position));
            var before = position.Next.Sub > 0 ? position.Next with { Sub = position.Next.Sub - 1 } : ChangePosition.EndOf(position.Main);
            Assert.Equal(position, before);
        });

    [Fact]
    public void A_change_gives_back_what_it_was_made_of() =>
        Gen.Select(Gen.Bool, Gen.Bool, UserKey, Gen.Bool, Gen.Int[0, 16]).Sample((isDelete, isIndexed, key, replaces, age) =>
        {
            if (key.Length == 0) return;
            var pair = new byte[StoredPair.EncodedLength(key, 1, 7, 2, default, 0)];
            StoredPair.Encode(pair, key, 1, 7, 2, default, 0);
            byte[] version = [.. pair, .. new byte[StoredVersion.TrailerLength]];
            StoredVersion.WriteTrailer(version, sub: 70_000, age, isTombstone: isDelete);
            Assert.Equal((new(7, 70_000), age, isDelete), (StoredVersion.PositionOf(version), StoredVersion.AgeOf(version), StoredVersion.IsTombstone(version)));

            ReadOnlySpan<byte> replaced = replaces ? version : default;
            var record = new byte[StoredChange.EncodedLength(key, replaced)];
            StoredChange.Encode(record, isDelete, isIndexed, key, replaced);
            var change = new StoredChange(record);
            Assert.Equal((isDelete, isIndexed), (change.IsDelete, change.IsIndexed));
            Assert.Equal(key, change.Key.ToArray());
            Assert.Equal(replaced.ToArray(), change.Replaced.ToArray());
            Assert.Equal(replaced.ToArray(), StoredChange.ReplacedBy(record).ToArray());
        });

    [Fact]
    public void Newest_versions_sort_as_user_keys_inside_their_keyspace() =>
        Gen.Select(UserKey, UserKey).Sample((left, right) =>
        {
            Assert.Equal(
                Math.Sign(left.AsSpan().SequenceCompareTo(right)),
                Math.Sign(KeyLayout.NewestKey(left).AsSpan().SequenceCompareTo(KeyLayout.NewestKey(right))));
            Assert.True(KeyLayout.NewestKey(left).AsSpan().SequenceCompareTo(KeyLayout.EndOf(KeyLayout.Newest)) < 0);
        });

    [Fact]
    public void Changes_sort_by_revision_and_place_and_can_be_read_back() =>
        Gen.Select(Revision, Gen.Int[0, 70_000], Revision, Gen.Int[0, 70_000]).Sample((leftMain, leftSub, rightMain, rightSub) =>
        {
            var (left, right) = (new ChangePosition(leftMain, leftSub), new ChangePosition(rightMain, rightSub));
            Assert.Equal(left, KeyLayout.PositionOf(KeyLayout.ChangeKey(left)));
            Assert.Equal(
                Math.Sign((leftMain, leftSub).CompareTo((rightMain, rightSub))),
                Math.Sign(KeyLayout.ChangeKey(left).AsSpan().SequenceCompareTo(KeyLayout.ChangeKey(right))));
        });

    /// <summary>Stored pairs are spliced into responses one day, so they must be what protobuf would write.</summary>
    [Fact]
    public void A_stored_pair_is_byte_for_byte_the_protobuf_message() =>
        Gen.Select(UserKey, Gen.Long, Gen.Long, Gen.Long, Gen.Byte.Array[0, 300], Gen.Long)
            .Sample((key, created, modified, version, value, lease) =>
            {
                var message = new Protocol.Etcd.KeyValue
                {
                    Key = ByteString.CopyFrom(key),
                    CreateRevision = created,
                    ModRevision = modified,
                    Version = version,
                    Value = ByteString.CopyFrom(value),
                    Lease = lease,
                };
                var encoded = new byte[StoredPair.EncodedLength(key, created, modified, version, value, lease)];
                StoredPair.Encode(encoded, key, created, modified, version, value, lease);
                Assert.Equal(message.ToByteArray(), encoded);
                Assert.Equal(message, new StoredPair(encoded).ToMessage());
            });

    [Fact]
    public void A_broken_pair_is_an_error_and_nothing_else() =>
        Gen.Byte.Array[0, 40].Sample(bytes =>
        {
            try
            {
                _ = new StoredPair(bytes).ToMessage();
            }
            catch (InvalidDataException)
            {
                // The only way to fail.
            }
        });
}
