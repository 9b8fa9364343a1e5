using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Operator.Caching;
using KubeOps.Operator.Watching;

namespace Raft.Operator.KubeOps.Tests.Caching;

public sealed class ChangeFilterTests
{
    private static readonly V1ObjectMeta Before = new()
    {
        Name = "a",
        Uid = "1",
        Generation = 1,
        ResourceVersion = "1",
        Labels = new Dictionary<string, string> { ["team"] = "x" },
    };

    public static TheoryData<string, V1ObjectMeta, bool> Changes => new()
    {
        { "only the version, as by a status write", With(_ => { }), false },
        { "generation", With(meta => meta.Generation = 2), true },
        { "label changed", With(meta => meta.Labels = new Dictionary<string, string> { ["team"] = "y" }), true },
        { "label removed", With(meta => meta.Labels = null), true },
        { "annotation added", With(meta => meta.Annotations = new Dictionary<string, string> { ["approve"] = "yes" }), true },
        { "finalizer added", With(meta => meta.Finalizers = ["f"]), true },
        { "deletion asked for", With(meta => meta.DeletionTimestamp = DateTime.UnixEpoch), true },
        { "another object under the name", With(meta => meta.Uid = "2"), true },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void By_generation_all_counts_but_the_status(string what, V1ObjectMeta after, bool matters)
    {
        Assert.NotEmpty(what);
        var change = new ObjectChange<V1ConfigMap>(new V1ConfigMap { Metadata = Before }, new V1ConfigMap { Metadata = after });
        Assert.Equal(matters, ChangeFilter.Matters(change, ReconcileStrategy.ByGeneration));
        Assert.True(ChangeFilter.Matters(change, ReconcileStrategy.ByResourceVersion));
    }

    private static V1ObjectMeta With(Action<V1ObjectMeta> change)
    {
        var meta = new V1ObjectMeta { Name = "a", Uid = "1", Generation = 1, ResourceVersion = "2", Labels = Before.Labels };
        change(meta);
        return meta;
    }
}
