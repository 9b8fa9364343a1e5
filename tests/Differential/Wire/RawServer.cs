using System.Buffers.Binary;
using System.Net;
using System.Text;
using Google.Protobuf;
using Raft.Differential.Tests.Servers;

namespace Raft.Differential.Tests.Wire;

/// <summary>One of the two servers, spoken to without a client library in between.</summary>
internal sealed class RawServer(ServerProcess process) : IAsyncDisposable
{
    private const int FrameHeadBytes = 5;

    private readonly HttpClient _http = new() { BaseAddress = new Uri(process.ClientUrl), Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>A call of gRPC with one message, whatever its bytes are.</summary>
    public async Task<RawAnswer> CallAsync(string method, ReadOnlyMemory<byte> message, params (string Name, string Value)[] metadata)
    {
        var frame = new byte[FrameHeadBytes + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsMemory(FrameHeadBytes));
        return await SendGrpcAsync(method, frame, metadata);
    }

    /// <inheritdoc cref="CallAsync(string, ReadOnlyMemory{byte}, ValueTuple{string, string}[])"/>
    public Task<RawAnswer> CallAsync(string method, IMessage message, params (string Name, string Value)[] metadata) =>
        CallAsync(method, message.ToByteArray(), metadata);

    /// <summary>A call of gRPC with any body.</summary>
    public async Task<RawAnswer> SendGrpcAsync(string method, byte[] body, params (string Name, string Value)[] metadata)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in metadata) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _http.SendAsync(request);
        return await RawAnswer.ReadAsync(response);
    }

    /// <summary>A request over HTTP/1.1, with a body of JSON or with none.</summary>
    public async Task<RawAnswer> HttpAsync(string verb, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await _http.SendAsync(request);
        return await RawAnswer.ReadAsync(response);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await process.DisposeAsync();
    }
}
