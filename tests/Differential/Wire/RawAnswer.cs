using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Raft.Differential.Tests.Wire;

/// <summary>What a server answered on the wire, as far as it should be any server's answer: its own ids and terms taken out.</summary>
/// <param name="Status">The status of HTTP.</param>
/// <param name="Head">The headers and trailers that mean something to a client.</param>
/// <param name="Body">As text; of gRPC's, whether there is a message.</param>
internal sealed record RawAnswer(int Status, string Head, string Body)
{
    private static readonly string[] Meant = ["content-type", "grpc-status", "grpc-message", "grpc-encoding", "allow"];
    private static readonly string[] OwnFields = ["cluster_id", "member_id", "raft_term", "etcdserver", "etcdcluster"];

    /// <summary>Reads an answer to its end.</summary>
    public static async Task<RawAnswer> ReadAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsByteArrayAsync();
        var head = response.Headers.Concat(response.Content.Headers).Concat(response.TrailingHeaders)
            .Select(header => (Name: header.Key.ToLowerInvariant(), Value: string.Join(", ", header.Value).Split(';')[0]))
            // No text and an empty text are the same to clients.
            .Where(header => Meant.Contains(header.Name) && header.Value.Length > 0)
            .Select(header => $"{header.Name}: {header.Value}")
            .Order(StringComparer.Ordinal);
        var isGrpc = response.Content.Headers.ContentType?.MediaType?.StartsWith("application/grpc", StringComparison.Ordinal) == true;
        return new((int)response.StatusCode, string.Join("; ", head), isGrpc ? Frames(body) : Text(body));
    }

    public (int Status, string Body) StatusAndBody => (Status, Body);

    public (int Status, string Head) StatusAndHead => (Status, Head);

    /// <summary>The text of a refusal, when it is not etcd's own but that of the library for gRPC, is not compared.</summary>
    public RawAnswer WithoutText() =>
        this with { Head = string.Join("; ", Head.Split("; ").Where(header => !header.StartsWith("grpc-message", StringComparison.Ordinal))) };

    public override string ToString() => $"{Status} [{Head}] {Body}";

    /// <summary>A message of gRPC begins with its header, which is the server's own; what matters here is whether there is a message.</summary>
    private static string Frames(byte[] body) =>
        body.Length == 0 ? "no message" : string.Create(CultureInfo.InvariantCulture, $"a message, compressed: {body[0]}");

    private static string Text(byte[] body)
    {
        try
        {
            var node = JsonNode.Parse(body)!;
            // A refusal: etcd 3.5 as published gives its text a second time, as `error`; Debian's does not.
            if (node["code"] is { } code) return $"refused: {code} {node["message"]}";
            Hide(node);
            return node.ToJsonString();
        }
        catch (JsonException)
        {
            return Encoding.UTF8.GetString(body);
        }
    }

    /// <summary>Order of fields counts, spaces do not: Go's library puts them where it likes.</summary>
    private static void Hide(JsonNode? node)
    {
        if (node is not JsonObject fields) return;
        foreach (var name in OwnFields)
            if (fields.ContainsKey(name)) fields[name] = "own";
        Hide(fields["header"]);
    }
}
