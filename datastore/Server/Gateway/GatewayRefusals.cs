using System.Text.Json.Serialization;

namespace Raft.Server.Gateway;

/// <summary>What a refused call answers: the text twice, as grpc-gateway's first version has it.</summary>
internal sealed record GatewayRefusal(string Error, string Message, int Code);

/// <summary>What a stream ends with when it is refused.</summary>
internal sealed record StreamRefusal(StreamRefusalReason Error);

/// <summary>Why a stream was refused.</summary>
internal sealed record StreamRefusalReason(int GrpcCode, int HttpCode, string Message, string HttpStatus);

/// <summary>How refusals are written, known when the program is compiled.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(GatewayRefusal))]
[JsonSerializable(typeof(StreamRefusal))]
internal sealed partial class GatewayRefusalJson : JsonSerializerContext;
