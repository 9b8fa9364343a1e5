using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;

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

    private static readonly JsonReaderOptions ManyValues = new() { AllowMultipleValues = true };

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

    /// <summary>The JSON values of a body, one after the other, as they come.</summary>
    /// <param name="body">The body.</param>
    /// <param name="bytesMax">Bytes of one value.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RpcException">INVALID_ARGUMENT: it is no JSON. RESOURCE_EXHAUSTED: a value is too large.</exception>
    public static async IAsyncEnumerable<string> ReadValuesAsync(
        PipeReader body, int bytesMax, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var rest = ReadOnlySequence<byte>.Empty;
        var hasRead = false;
        try
        {
            while (true)
            {
                var read = await body.ReadAsync(cancellation);
                (rest, hasRead) = (read.Buffer, true);
                while (TryTake(ref rest, read.IsCompleted, out var value))
                {
                    yield return value;
                }

                if (rest.Length > bytesMax)
                {
                    throw new RpcException(new Status(StatusCode.ResourceExhausted, $"a request has more than {bytesMax} bytes"));
                }

                body.AdvanceTo(rest.Start, rest.End);
                hasRead = false;
                if (read.IsCompleted)
                {
                    yield break;
                }
            }
        }
        finally
        {
            if (hasRead)
            {
                body.AdvanceTo(rest.End);
            }
        }
    }

    private static bool TryTake(ref ReadOnlySequence<byte> rest, bool isAll, out string value)
    {
        value = "";
        try
        {
            var reader = new Utf8JsonReader(rest, isFinalBlock: isAll, new JsonReaderState(ManyValues));
            if (!reader.Read() || !JsonDocument.TryParseValue(ref reader, out var document))
            {
                return false;
            }

            using (document)
            {
                value = WithExactNumbers(document.RootElement);
            }

            rest = rest.Slice(reader.BytesConsumed);
            return true;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The latter: half of a character that takes two \u.
            throw Invalid(error.Message);
        }
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
