using System.Collections.Concurrent;
using k8s;
using k8s.Models;

namespace KubeOps.Operator.Caching;

/// <summary>How an object changed between what was known and what is known now.</summary>
/// <param name="Before">As it was known; null if it is new.</param>
/// <param name="After">As it is known now; null if it is gone.</param>
public readonly record struct ObjectChange<TEntity>(TEntity? Before, TEntity? After)
    where TEntity : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The object, as last seen.</summary>
    public TEntity Last => After ?? Before!;
}

/// <summary>All objects of one type as they were last seen. One writer, the informer; any number of readers.</summary>
public sealed class ObjectStore<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, TEntity>> _namespaces = new(StringComparer.Ordinal);

    /// <summary>Number of objects.</summary>
    public int Count => _namespaces.Values.Sum(names => names.Count);

    /// <summary>The object; null if there is none.</summary>
    public TEntity? Get(EntityKey key) => Names(key.Namespace).GetValueOrDefault(key.Name);

    /// <summary>The objects of one namespace, or all.</summary>
    public IEnumerable<TEntity> List(string? @namespace = null) =>
        string.IsNullOrEmpty(@namespace) ? _namespaces.Values.SelectMany(names => names.Values) : Names(@namespace).Values;

    /// <summary>Takes in one change that the server told of. Null: nothing is new.</summary>
    public ObjectChange<TEntity>? Apply(WatchEventType type, TEntity entity)
    {
        var key = EntityKey.Of(entity);
        var names = Names(key.Namespace);
        if (type == WatchEventType.Deleted)
            return names.TryRemove(key.Name, out var gone) ? new ObjectChange<TEntity>(gone, null) : null;
        var before = names.GetValueOrDefault(key.Name);
        if (before?.Metadata.ResourceVersion == entity.Metadata.ResourceVersion) return null;
        names[key.Name] = entity;
        return new ObjectChange<TEntity>(before, entity);
    }

    /// <summary>
    /// Takes in a whole list and says what had changed meanwhile, deletions included: they are what a watch that broke off
    /// never tells. An object that was deleted and made again under its name is first gone, then new.
    /// </summary>
    public IReadOnlyList<ObjectChange<TEntity>> Replace(IReadOnlyCollection<TEntity> entities)
    {
        var present = entities.Select(KeyOf).ToHashSet();
        List<ObjectChange<TEntity>> changes = [];
        foreach (var old in List().Where(old => !present.Contains(KeyOf(old))).ToList())
            if (Apply(WatchEventType.Deleted, old) is { } deletion) changes.Add(deletion);
        foreach (var entity in entities)
        {
            if (Get(KeyOf(entity)) is { } old && old.Metadata.Uid != entity.Metadata.Uid && Apply(WatchEventType.Deleted, old) is { } deletion)
                changes.Add(deletion);
            if (Apply(WatchEventType.Modified, entity) is { } change) changes.Add(change);
        }

        return changes;
    }

    private static EntityKey KeyOf(TEntity entity) => EntityKey.Of(entity);

    private ConcurrentDictionary<string, TEntity> Names(string @namespace) =>
        _namespaces.GetOrAdd(@namespace, _ => new ConcurrentDictionary<string, TEntity>(StringComparer.Ordinal));
}
