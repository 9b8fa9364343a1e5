using CsCheck;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;
using static Raft.KeyValue.Tests.TestStore;

namespace Raft.KeyValue.Tests;

/// <summary>The store against the model, over random histories.</summary>
public sealed class ModelTests
{
    private static readonly Gen<RelativeRequest[]> History = RandomRequests.Any.Array[1, 60];

    /// <summary>How many commands go into a batch, and how many changes a compaction step may remove between batches.</summary>
    private static readonly Gen<(int BatchSize, int StepSize)> Rhythm = Gen.Select(Gen.Int[1, 9], Gen.Int[0, 5]);

    private static readonly (string Key, string End)[] Probes =
        [("\0", "\0"), ("a", "b"), ("a\0", "\0"), ("a\0\0b", "c"), ("a", ""), ("a\0", ""), ("ÿÿ", "")];

    [Fact]
    public void Every_answer_is_the_models_answer_whatever_the_batches_and_the_progress_of_compaction() =>
        Gen.Select(History, Rhythm).Sample((history, rhythm) =>
        {
            var (store, model) = (new TestStore(), new ModelStore());
            Replay(store, model, history, rhythm);
            AssertSameAtEveryRevision(store, model);
            store.CompactPhysically(3);
            AssertSameAtEveryRevision(store, model);
        }, iter: 1500);

    [Fact]
    public void Equal_histories_leave_equal_bytes_whatever_the_batches() =>
        Gen.Select(History, Rhythm, Rhythm).Sample((history, one, other) =>
        {
            var (left, right) = (new TestStore(), new TestStore());
            Replay(left, new ModelStore(), history, one);
            Replay(right, new ModelStore(), history, other);
            Assert.Equal(left.Hash().Hash, right.Hash().Hash);
            left.CompactPhysically();
            right.CompactPhysically(1);
            Assert.Equal(left.Hash().Hash, right.Hash().Hash);
            Assert.Equal(left.Disk.Content, right.Disk.Content);
        }, iter: 500);

    [Fact]
    public void The_hash_of_a_revision_does_not_depend_on_what_came_after() =>
        Gen.Select(History, Rhythm).Sample((history, rhythm) =>
        {
            var (store, model) = (new TestStore(), new ModelStore());
            var hashes = new Dictionary<long, uint>();
            foreach (var relative in history)
            {
                var request = relative.At(store.Revision);
                if (request is CompactionRequest) continue;
                Replay(store, model, [relative], rhythm);
                hashes[store.Revision] = store.Hash().Hash;
            }
            foreach (var (revision, hash) in hashes) Assert.Equal(hash, store.Hash(revision).Hash);
        }, iter: 300);

    [Fact]
    public void Events_say_what_changed_in_each_revision() =>
        History.Sample(history =>
        {
            var store = new TestStore();
            foreach (var relative in history)
            {
                if (relative.At(store.Revision) is RangeRequest) continue;
                var before = store.Revision;
                store.Apply(Command(relative.At(before)));
                if (store.Revision == before)
                {
                    Assert.Empty(store.LastEvents);
                    continue;
                }
                var earlier = Everything(store, before).ToDictionary(pair => pair.Key);
                var state = earlier.ToDictionary();
                foreach (var (change, sub) in store.LastEvents.Select((change, sub) => (change, sub)))
                {
                    var message = change.ToMessage(withPrevious: true);
                    Assert.Equal((store.Revision, sub), (message.Kv.ModRevision, change.Sub));
                    // Of a key that it creates, a put shows nothing, even if the same revision deleted the key before (etcd: IsCreateEvent).
                    var creates = message.Type == Event.Types.EventType.Put && message.Kv.CreateRevision == message.Kv.ModRevision;
                    Assert.Equal(creates ? null : earlier.GetValueOrDefault(message.Kv.Key), message.PrevKv);
                    if (message.Type == Event.Types.EventType.Put) state[message.Kv.Key] = message.Kv;
                    else Assert.True(state.Remove(message.Kv.Key));
                }
                Assert.Equal(Everything(store, store.Revision).ToHashSet(), state.Values.ToHashSet());
            }
        }, iter: 300);

    [Fact]
    public void The_pages_of_a_range_are_the_range() =>
        Gen.Select(History, RandomRequests.Range.Array[1, 10], Gen.Int[1, 40]).Sample((history, ranges, pageBytes) =>
        {
            var store = new TestStore();
            Replay(store, new ModelStore(), history, (1, 0));
            foreach (var relative in ranges)
            {
                var request = (RangeRequest)relative.At(store.Revision);
                using var view = store.Store.OpenView();
                var whole = view.Range(request);
                var (pages, together) = (new RangePages(request, pageBytes), new RangeResponse());
                StoreError? refusal = null;
                while (!pages.IsComplete && refusal is null)
                {
                    var page = pages.Next(view);
                    refusal = page.Error;
                    if (refusal is null) Assert.Equal(pages.IsComplete, page.Response!.Header is not null);
                    together.MergeFrom(page.Response ?? new());
                }

                Assert.Equal(whole.Error, refusal);
                Assert.Equal(whole.Response ?? new(), together);
            }
        }, iter: 300);

    private static void Replay(TestStore store, ModelStore model, RelativeRequest[] history, (int BatchSize, int StepSize) rhythm)
    {
        foreach (var batch in history.Chunk(rhythm.BatchSize))
        {
            var transaction = store.Store.Begin();
            foreach (var relative in batch)
            {
                var request = relative.At(model.Revision);
                Assert.Equal(model.Revision, transaction.Revision);
                if (request is RangeRequest range) request = new TxnRequest { Success = { new RequestOp { RequestRange = range } } };
                var (theirs, ours) = (model.Apply(request), transaction.Apply(Command(request)));
                AssertSame(request, theirs, ours);
            }
            if (rhythm.StepSize > 0) transaction.CompactStep(rhythm.StepSize);
            transaction.Commit();
        }
    }

    private static void AssertSameAtEveryRevision(TestStore store, ModelStore model)
    {
        for (var revision = Math.Max(0, model.CompactedRevision - 1); revision <= model.Revision + 1; revision++)
        {
            foreach (var (key, end) in Probes)
            {
                var request = new RangeRequest { Key = Bytes(key), RangeEnd = Bytes(end), Revision = revision };
                AssertSame(request, model.Apply(request), store.TryRange(request).ToCommandResult());
            }
        }
    }

    private static void AssertSame(IMessage request, CommandResult theirs, CommandResult ours) =>
        Assert.True(theirs == ours, $"{request.Descriptor.Name} {request}\n model: {theirs}\n store: {ours}");

    private static RepeatedField<Protocol.Etcd.KeyValue> Everything(TestStore store, long revision) =>
        store.TryRange(new RangeRequest { Key = Bytes("\0"), RangeEnd = Bytes("\0"), Revision = revision }).Response?.Kvs ?? [];
}
