using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using k8s;
using k8s.Autorest;
using k8s.Models;
using KubeOps.Abstractions.Builder;
using KubeOps.Abstractions.Entities;
using KubeOps.Abstractions.Events;
using KubeOps.KubernetesClient;
using Microsoft.Extensions.Logging;

namespace KubeOps.Operator.Events;

/// <summary>
/// Publishes events (core/v1, which every Kubernetes serves). The same reason and message about the same entity are one event
/// with a count, also across restarts, as its name is made from them. An event that cannot be written is logged, no more.
/// </summary>
public sealed class EventRecorder(IKubernetesClient client, OperatorSettings settings, TimeProvider time, ILogger<EventRecorder> logger)
{
    // A condition that stays, reported at each look, shall not become a write at each look.
    private static readonly TimeSpan SilenceAfterSame = TimeSpan.FromSeconds(30);
    private const int RememberedMax = 10_000;
    private const int MessageLengthMax = 1024;

    private readonly ConcurrentDictionary<string, (DateTimeOffset At, int Unreported)> _last = new(StringComparer.Ordinal);

    /// <summary>Publishes, or counts up what was published already.</summary>
    public async Task PublishAsync(
        IKubernetesObject<V1ObjectMeta> entity, string reason, string message, EventType type, CancellationToken cancellationToken)
    {
        if (message.Length > MessageLengthMax) message = message[..MessageLengthMax];
        var @namespace = entity.Metadata.NamespaceProperty is { Length: > 0 } own ? own : "default";
        var name = NameOf(entity, reason, message, type);
        var now = time.GetUtcNow();
        if (_last.Count > RememberedMax) _last.Clear();
        var times = 1;
        if (_last.TryGetValue(name, out var last))
        {
            times += last.Unreported;
            if (now - last.At < SilenceAfterSame)
            {
                _last[name] = (last.At, times);
                return;
            }
        }

        _last[name] = (now, 0);
        try
        {
            await WriteAsync(entity, reason, message, type, @namespace, name, times, now.UtcDateTime, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HttpOperationException or HttpRequestException)
        {
            logger.LogInformation("The event {Reason} about {Entity} was not written: {Problem}", reason, EntityKey.Of(entity), failure.Message);
        }
    }

    private async Task WriteAsync(
        IKubernetesObject<V1ObjectMeta> entity, string reason, string message, EventType type,
        string @namespace, string name, int times, DateTime now, CancellationToken cancellationToken)
    {
        if (await client.GetAsync<Corev1Event>(name, @namespace, cancellationToken).ConfigureAwait(false) is { } known)
        {
            var stamp = now.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
            var patch = string.Create(CultureInfo.InvariantCulture, $$"""{"count":{{(known.Count ?? 1) + times}},"lastTimestamp":"{{stamp}}"}""");
            await client.PatchAsync<Corev1Event>(
                new V1Patch(patch, V1Patch.PatchType.MergePatch), name, @namespace, cancellationToken: cancellationToken).ConfigureAwait(false);
            return;
        }

        await client.CreateAsync(
            new Corev1Event
            {
                Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = @namespace },
                InvolvedObject = entity.MakeObjectReference(),
                Reason = reason,
                Message = message,
                Type = type.ToString(),
                Count = times,
                FirstTimestamp = now,
                LastTimestamp = now,
                Source = new V1EventSource { Component = settings.Name },
                ReportingComponent = settings.Name,
                ReportingInstance = Environment.MachineName,
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static string NameOf(IKubernetesObject<V1ObjectMeta> entity, string reason, string message, EventType type)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{entity.Metadata.Uid}\n{type}\n{reason}\n{message}"));
        return $"{entity.Metadata.Name}.{Convert.ToHexStringLower(digest.AsSpan(0, 8))}";
    }
}
