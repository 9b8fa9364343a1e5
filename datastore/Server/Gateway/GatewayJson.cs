using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Raft.Server.Hosting;

namespace Raft.Server.Gateway;

/// <summary>
/// JSON as etcd's gateway speaks it: fields under their names in the .proto files, 64-bit numbers as strings, bytes in base64,
/// what is not set left out.
/// </summary>
internal static class GatewayJson
{
    /// <summary>Longer numbers are not exact any more in the parser, which takes them for floating-point ones.</summary>
    private const int ExactDigits = 15;

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    private static readonly JsonWriterOptions WithoutSpaces = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The message without spaces, as etcd writes it; the formatter always puts some.</summary>
    public static string Format(IMessage message)
    {
        using var spaced = JsonDocument.Parse(Formatter.Format(message));
        var compact = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(compact, WithoutSpaces))
        {
            spaced.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(compact.WrittenSpan);
    }

    /// <exception cref="RpcException">INVALID_ARGUMENT: it is no such message.</exception>
    public static IMessage Parse(string json, Google.Protobuf.Reflection.MessageDescriptor type)
    {
        try
        {
            return JsonParser.Default.Parse(json, type);
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or InvalidJsonException or FormatException or InvalidOperationException)
        {
            throw Invalid(error.Message);
        }
    }

    /// <summary>The JSON objects of a body, one after the other, as they come.</summary>
    /// <param name="body">The body.</param>
    /// <param name="bytesMax">Bytes of one object.</param>
    /// <exception cref="RpcException">
    /// INVALID_ARGUMENT: it is no JSON. RESOURCE_EXHAUSTED: an object is too large, or there is no room for it now.
    /// DEADLINE_EXCEEDED: it does not come.
    /// </exception>
    public static async IAsyncEnumerable<string> ReadValuesAsync(ArrivingBody body, int bytesMax)
    {
        var end = new JsonValueEnd();
        while (await body.TryReadAsync())
        {
            var rest = body.Buffer;
            while (TryTake(ref rest, end, body.IsCompleted) is { } value)
            {
                yield return value;
            }

            if (rest.Length > bytesMax)
            {
                throw new RpcException(new Status(StatusCode.ResourceExhausted, $"a request has more than {bytesMax} bytes"));
            }

            body.AdvanceTo(rest.Start);
            if (body.IsCompleted)
            {
                yield break;
            }
        }

        throw new RpcException(body.Refusal);
    }

    private static string? TryTake(ref ReadOnlySequence<byte> rest, JsonValueEnd end, bool isAll)
    {
        try
        {
            if (!end.TryFind(rest, out var length))
            {
                // What is not whole is nothing that can be read: the parser says what is missing.
                return isAll && end.HasBegun ? Parsed(rest) : null;
            }

            var value = Parsed(rest.Slice(0, length));
            rest = rest.Slice(length);
            return value;
        }
        catch (Exception error) when (error is JsonException or InvalidDataException or InvalidOperationException)
        {
            // The last: half of a character that takes two \u.
            throw Invalid(error.Message);
        }
    }

    private static string Parsed(ReadOnlySequence<byte> value)
    {
        using var document = JsonDocument.Parse(value);
        return WithExactNumbers(document.RootElement);
    }

    private static string WithExactNumbers(JsonElement element)
    {
        using var written = new MemoryStream();
        using (var writer = new Utf8JsonWriter(written))
        {
            Write(element, writer);
        }

        return Encoding.UTF8.GetString(written.GetBuffer(), 0, (int)written.Length);
    }

    private static void Write(JsonElement element, Utf8JsonWriter writer)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in element.EnumerateObject())
                {
                    writer.WritePropertyName(property.Name);
                    Write(property.Value, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    Write(item, writer);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.Number when element.GetRawText() is { Length: > ExactDigits } digits:
                writer.WriteStringValue(digits);
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    private static RpcException Invalid(string message) => new(new Status(StatusCode.InvalidArgument, message));
}
