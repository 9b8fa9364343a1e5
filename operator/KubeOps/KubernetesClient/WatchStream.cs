using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace KubeOps.KubernetesClient;

/// <summary>A watch as the API server streams it: one JSON document a line.</summary>
internal static class WatchStream
{
    /// <summary>Changes until the server ends the stream.</summary>
    /// <exception cref="HttpOperationException">The server ended it with an error; 410 Gone: the version is too old to go on from.</exception>
    public static async IAsyncEnumerable<(WatchEventType Type, TEntity Entity)> ReadAsync<TEntity>(
        HttpResponseMessage response, [EnumeratorCancellation] CancellationToken cancellationToken)
        where TEntity : IKubernetesObject<V1ObjectMeta>
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Length == 0) continue;
            using var document = JsonDocument.Parse(line);
            var type = document.RootElement.GetProperty("type").GetString();
            var body = document.RootElement.GetProperty("object");
            if (type == "ERROR") throw ErrorOf(KubernetesJson.Deserialize<V1Status>(body));
            yield return (Enum.Parse<WatchEventType>(type!, ignoreCase: true), KubernetesJson.Deserialize<TEntity>(body));
        }
    }

    private static HttpOperationException ErrorOf(V1Status? status)
    {
        using var answer = new HttpResponseMessage((HttpStatusCode)(status?.Code ?? 500));
        return new HttpOperationException($"the watch was ended: {status?.Message}")
        {
            Response = new HttpResponseMessageWrapper(answer, status?.Message ?? string.Empty),
        };
    }
}
