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

    [Fact]
    public void History_sorts_by_user_key_and_then_by_revision() =>
        Gen.Select(UserKey, Revision, UserKey, Revision).Sample((leftKey, leftRevision, rightKey, rightRevision) =>
        {
            var order = leftKey.AsSpan().SequenceCompareTo(rightKey);
            if (order == 0) order = leftRevision.CompareTo(rightRevision);
            var (left, right) = (KeyLayout.HistoryKey(leftKey, leftRevision), KeyLayout.HistoryKey(rightKey, rightRevision));
            Assert.Equal(Math.Sign(order), Math.Sign(left.AsSpan().SequenceCompareTo(right)));
        }, iter: 20_000);

    [Fact]
    public void Living_keys_sort_as_user_keys_inside_their_keyspace() =>
        Gen.Select(UserKey, UserKey).Sample((left, right) =>
        {
            Assert.Equal(
                Math.Sign(left.AsSpan().SequenceCompareTo(right)),
                Math.Sign(KeyLayout.LivingKey(left).AsSpan().SequenceCompareTo(KeyLayout.LivingKey(right))));
            Assert.True(KeyLayout.LivingKey(left).AsSpan().SequenceCompareTo(KeyLayout.EndOf(KeyLayout.Living)) < 0);
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
