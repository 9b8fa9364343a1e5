using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace KubeOps.KubernetesClient;

/// <summary>Reads and writes any Kubernetes type over plain REST.</summary>
public sealed class KubernetesClient : IKubernetesClient
{
    private const int PageSize = 500;
    private const string Json = "application/json";

    // Metadata alone, in the shape of the whole object: enough to know that something changed, and nothing secret in it.
    private const string MetadataOfOne = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    private const string MetadataOfMany = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

    private readonly ApiConnection _connection;
    private readonly string _fieldManager;

    /// <summary>Uses <paramref name="client"/>, and disposes of it; writes fields as <paramref name="fieldManager"/>.</summary>
    public KubernetesClient(IKubernetes client, string fieldManager = "kubeops")
    {
        ApiClient = client;
        _connection = new ApiConnection(client);
        _fieldManager = fieldManager;
    }

    /// <inheritdoc/>
    public IKubernetes ApiClient { get; }

    /// <inheritdoc/>
    public async Task<TEntity?> GetAsync<TEntity>(string name, string? @namespace = null, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            return await _connection.SendAsync<TEntity>(
                HttpMethod.Get, ResourcePath.Of<TEntity>().One(name, @namespace), null, Json, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpOperationException missing) when (missing.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return default;
        }
    }

    /// <inheritdoc/>
    public async Task<IList<TEntity>> ListAsync<TEntity>(
        string? @namespace = null, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta> =>
        (await ListAtVersionAsync<TEntity>(new ListScope(ResourcePath.Of<TEntity>(), @namespace, labelSelector, fieldSelector), cancellationToken).ConfigureAwait(false)).Items;

    /// <inheritdoc/>
    public Task<TEntity> CreateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta> =>
        _connection.SendAsync<TEntity>(
            HttpMethod.Post,
            ResourcePath.Of<TEntity>().Collection(entity.Metadata.NamespaceProperty) + Query(("fieldManager", _fieldManager)),
            Body(entity), Json, cancellationToken);

    /// <inheritdoc/>
    public Task<TEntity> UpdateAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta> =>
        _connection.SendAsync<TEntity>(
            HttpMethod.Put, PathOf(entity) + Query(("fieldManager", _fieldManager)), Body(entity), Json, cancellationToken);

    /// <summary>Applies the status alone, so that fields which this program does not know stay as they are.</summary>
    public Task<TEntity> UpdateStatusAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        using var whole = JsonDocument.Parse(KubernetesJson.Serialize((object)entity));
        var path = ResourcePath.Of<TEntity>();
        var body = JsonSerializer.Serialize(new Dictionary<string, object?>
        {
            ["apiVersion"] = path.ApiVersion,
            ["kind"] = path.Kind,
            ["metadata"] = new Dictionary<string, string?> { ["name"] = entity.Metadata.Name, ["namespace"] = entity.Metadata.NamespaceProperty },
            ["status"] = whole.RootElement.TryGetProperty("status", out var status) ? status : null,
        });
        return _connection.SendAsync<TEntity>(
            HttpMethod.Patch, $"{PathOf(entity)}/status" + Query(("fieldManager", _fieldManager), ("force", "true")),
            body, "application/apply-patch+yaml", cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<TEntity> SaveAsync<TEntity>(TEntity entity, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var existing = await GetAsync<TEntity>(entity.Metadata.Name, entity.Metadata.NamespaceProperty, cancellationToken).ConfigureAwait(false);
        if (existing is null) return await CreateAsync(entity, cancellationToken).ConfigureAwait(false);
        entity.Metadata.ResourceVersion ??= existing.Metadata.ResourceVersion;
        return await UpdateAsync(entity, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<TEntity> PatchAsync<TEntity>(
        V1Patch patch,
        string name,
        string? @namespace = null,
        string? fieldManager = null,
        bool? force = null,
        string? dryRun = null,
        CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var query = Query(
            ("fieldManager", fieldManager ?? _fieldManager), ("force", force is { } value ? (value ? "true" : "false") : null), ("dryRun", dryRun));
        return _connection.SendAsync<TEntity>(
            HttpMethod.Patch, ResourcePath.Of<TEntity>().One(name, @namespace) + query,
            patch.Content as string ?? KubernetesJson.Serialize(patch.Content), ContentTypeOf(patch.Type), cancellationToken);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync<TEntity>(string name, string? @namespace = null, CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            using var _ = await _connection.OpenAsync(
                HttpMethod.Delete, ResourcePath.Of<TEntity>().One(name, @namespace), null, Json, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpOperationException gone) when (gone.Response.StatusCode == HttpStatusCode.NotFound)
        {
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<(WatchEventType Type, TEntity Entity)> WatchAsync<TEntity>(
        string? @namespace = null,
        string? resourceVersion = null,
        string? labelSelector = null,
        string? fieldSelector = null,
        bool? allowWatchBookmarks = null,
        CancellationToken cancellationToken = default)
        where TEntity : IKubernetesObject<V1ObjectMeta> =>
        WatchAsync<TEntity>(
            new ListScope(ResourcePath.Of<TEntity>(), @namespace, labelSelector, fieldSelector), resourceVersion, allowWatchBookmarks, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => ApiClient.Dispose();

    /// <summary>Watches from a version on, until the server ends the stream.</summary>
    internal async IAsyncEnumerable<(WatchEventType Type, TEntity Entity)> WatchAsync<TEntity>(
        ListScope scope,
        string? resourceVersion,
        bool? allowWatchBookmarks,
        [EnumeratorCancellation] CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var query = Query(
            ("watch", "true"), ("resourceVersion", resourceVersion), ("labelSelector", scope.LabelSelector), ("fieldSelector", scope.FieldSelector),
            ("allowWatchBookmarks", allowWatchBookmarks == true ? "true" : null), ("timeoutSeconds", "290"));
        using var response = await _connection.OpenAsync(
            HttpMethod.Get, scope.Path.Collection(scope.Namespace) + query, null, Json, cancellationToken,
            scope.MetadataOnly ? MetadataOfOne : Json).ConfigureAwait(false);
        await foreach (var change in WatchStream.ReadAsync<TEntity>(response, cancellationToken).ConfigureAwait(false)) yield return change;
    }

    /// <summary>Lists page by page: the objects as they all were at one version, from which a watch can go on.</summary>
    internal async Task<(List<TEntity> Items, string Version)> ListAtVersionAsync<TEntity>(
        ListScope scope, CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        List<TEntity> items = [];
        string? next = null;
        while (true)
        {
            var query = Query(
                ("limit", $"{PageSize}"), ("continue", next), ("labelSelector", scope.LabelSelector), ("fieldSelector", scope.FieldSelector));
            var page = await _connection.SendAsync<ObjectList<TEntity>>(
                HttpMethod.Get, scope.Path.Collection(scope.Namespace) + query, null, Json, cancellationToken,
                scope.MetadataOnly ? MetadataOfMany : Json).ConfigureAwait(false);
            items.AddRange(page.Items ?? []);
            next = page.Metadata?.ContinueProperty;
            if (string.IsNullOrEmpty(next)) return (items.ConvertAll(Typed), page.Metadata?.ResourceVersion ?? string.Empty);
        }
    }

    // Objects in a list do not repeat their type.
    private static TEntity Typed<TEntity>(TEntity entity)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        var path = ResourcePath.Of<TEntity>();
        entity.ApiVersion ??= path.ApiVersion;
        entity.Kind ??= path.Kind;
        return entity;
    }

    private static string PathOf<TEntity>(TEntity entity)
        where TEntity : IKubernetesObject<V1ObjectMeta> =>
        ResourcePath.Of<TEntity>().One(entity.Metadata.Name, entity.Metadata.NamespaceProperty);

    private static string Body<TEntity>(TEntity entity)
        where TEntity : IKubernetesObject<V1ObjectMeta> => KubernetesJson.Serialize((object)Typed(entity));

    private static string ContentTypeOf(V1Patch.PatchType type) => type switch
    {
        V1Patch.PatchType.JsonPatch => "application/json-patch+json",
        V1Patch.PatchType.MergePatch => "application/merge-patch+json",
        V1Patch.PatchType.StrategicMergePatch => "application/strategic-merge-patch+json",
        V1Patch.PatchType.ApplyPatch => "application/apply-patch+yaml",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a kind of patch"),
    };

    private static string Query(params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var text = string.Empty;
        foreach (var (name, value) in parameters)
            if (!string.IsNullOrEmpty(value)) text += $"{(text.Length == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(value)}";
        return text;
    }
}
