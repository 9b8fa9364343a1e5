using System.Net.Http.Headers;
using System.Text;
using k8s;
using k8s.Autorest;

namespace KubeOps.KubernetesClient;

/// <summary>Sends requests to the API server over the library's connection: its addresses, certificates and tokens.</summary>
internal sealed class ApiConnection(IKubernetes kubernetes)
{
    private readonly Kubernetes _kubernetes = kubernetes as Kubernetes
        ?? throw new ArgumentException($"{kubernetes.GetType()} is not the library's own client", nameof(kubernetes));

    /// <summary>Sends, checks the answer's code, and reads it.</summary>
    /// <exception cref="HttpOperationException">The server refused; the answer is in it.</exception>
    public async Task<T> SendAsync<T>(
        HttpMethod method, string path, string? body, string contentType, CancellationToken cancellationToken, string accept = "application/json")
    {
        using var response = await OpenAsync(method, path, body, contentType, cancellationToken, accept).ConfigureAwait(false);
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        return KubernetesJson.Deserialize<T>(stream);
    }

    /// <summary>Sends, checks the answer's code, and leaves its content to be read.</summary>
    /// <exception cref="HttpOperationException">The server refused; the answer is in it.</exception>
    public async Task<HttpResponseMessage> OpenAsync(
        HttpMethod method, string path, string? body, string contentType, CancellationToken cancellationToken, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, new Uri(_kubernetes.BaseUri, path)) { Version = System.Net.HttpVersion.Version20 };
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        if (_kubernetes.Credentials is { } credentials) await credentials.ProcessHttpRequestAsync(request, cancellationToken).ConfigureAwait(false);
        var response = await _kubernetes.HttpClient
            .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            var answer = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            throw new HttpOperationException($"{method} {request.RequestUri!.AbsolutePath} was answered with {(int)response.StatusCode}: {MessageOf(answer)}")
            {
                Request = new HttpRequestMessageWrapper(request, body),
                Response = new HttpResponseMessageWrapper(response, answer),
            };
        }
    }

    // The server explains itself in a Status; a proxy in between may not.
    private static string MessageOf(string answer)
    {
        try
        {
            return KubernetesJson.Deserialize<k8s.Models.V1Status>(answer)?.Message ?? answer;
        }
        catch (System.Text.Json.JsonException)
        {
            return answer;
        }
    }
}
