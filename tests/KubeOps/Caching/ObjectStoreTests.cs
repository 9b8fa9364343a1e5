using CsCheck;
using k8s;
using k8s.Models;
using KubeOps.Operator;
using KubeOps.Operator.Caching;

namespace Raft.Operator.KubeOps.Tests.Caching;

public sealed class ObjectStoreTests
{
    private readonly ObjectStore<V1ConfigMap> _store = new();

    [Fact]
    public void A_list_after_a_gap_tells_of_what_was_deleted_meanwhile()
    {
        _store.Replace([Object("a"), Object("b")]);
        var change = Assert.Single(_store.Replace([Object("b")]));
        Assert.Null(change.After);
        Assert.Equal("a", change.Before!.Metadata.Name);
        Assert.Null(_store.Get(new EntityKey("space", "a")));
    }

    [Fact]
    public void What_was_made_again_under_its_name_is_first_gone_and_then_new()
    {
        _store.Replace([Object("a", uid: "old", version: "1")]);
        var changes = _store.Replace([Object("a", uid: "new", version: "2")]);
        Assert.Equal([("old", null), (null, "new")], changes.Select(change => (change.Before?.Metadata.Uid, change.After?.Metadata.Uid)));
    }

    [Fact]
    public void The_same_version_again_is_no_change()
    {
        _store.Replace([Object("a", version: "1")]);
        Assert.Empty(_store.Replace([Object("a", version: "1")]));
        Assert.Null(_store.Apply(WatchEventType.Modified, Object("a", version: "1")));
        Assert.NotNull(_store.Apply(WatchEventType.Modified, Object("a", version: "2")));
    }

    [Fact]
    public void A_deletion_that_is_told_twice_counts_once()
    {
        _store.Replace([Object("a")]);
        Assert.NotNull(_store.Apply(WatchEventType.Deleted, Object("a")));
        Assert.Null(_store.Apply(WatchEventType.Deleted, Object("a")));
    }

    [Fact]
    public void Applying_the_changes_of_a_list_to_the_old_state_gives_the_new_one()
    {
        var world = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 2], Gen.Int[0, 3], (name, uid, version) => Object($"n{name}", $"u{name}.{uid}", $"{uid}.{version}"))
            .List[0, 12].Select(all => all.DistinctBy(one => one.Metadata.Name).ToList());
        Gen.Select(world, world).Sample((before, after) =>
        {
            var store = new ObjectStore<V1ConfigMap>();
            store.Replace(before);
            var state = before.ToDictionary(one => one.Metadata.Name);
            foreach (var change in store.Replace(after))
            {
                if (change.Before is { } old) Assert.Equal(state[old.Metadata.Name].Metadata.Uid, old.Metadata.Uid);
                if (change.After is { } now) state[now.Metadata.Name] = now;
                else state.Remove(change.Before!.Metadata.Name);
            }

            Assert.Equal(Versions(after), Versions(state.Values));
            Assert.Equal(Versions(after), Versions(store.List()));
        });
    }

    private static SortedDictionary<string, string> Versions(IEnumerable<V1ConfigMap> objects) =>
        new(objects.ToDictionary(one => one.Metadata.Name, one => one.Metadata.ResourceVersion), StringComparer.Ordinal);

    private static V1ConfigMap Object(string name, string uid = "uid", string version = "1") => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "space", Uid = uid, ResourceVersion = version },
    };
}
