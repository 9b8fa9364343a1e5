using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Raft.Server.Hosting;

namespace Raft.Server.Gateway;

/// <summary>
/// A gRPC call inside the process: what a client would send goes to the method's own endpoint, through the same interceptors, and
/// comes back, without a connection in between.
/// </summary>
internal sealed class LocalCall : IHttpResponseTrailersFeature, IHttpRequestLifetimeFeature, IAsyncDisposable
{
    private const int HeadBytes = 5;
    private const string GrpcStatus = "grpc-status";
    private const string GrpcMessage = "grpc-message";

    /// <summary>Headers of HTTP clients that mean something to methods.</summary>
    private const string MetadataPrefix = "Grpc-Metadata-";

    private readonly Pipe _request = new();
    private readonly Pipe _response = new();
    private readonly CancellationTokenSource _aborted;
    private readonly DefaultHttpContext _context;
    private readonly Task _running;

    /// <param name="outer">On whose behalf.</param>
    /// <param name="endpoint">The method's endpoint.</param>
    /// <param name="path">The method's path.</param>
    public LocalCall(HttpContext outer, Endpoint endpoint, string path)
    {
        _aborted = CancellationTokenSource.CreateLinkedTokenSource(outer.RequestAborted);
        RequestAborted = _aborted.Token;
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = HttpMethods.Post,
            Protocol = HttpProtocol.Http2,
            Scheme = outer.Request.Scheme,
            Path = path,
            Headers = Headers(outer.Request.Headers),
            Body = _request.Reader.AsStream(),
        });
        features.Set<IHttpResponseFeature>(new ResponseOf(outer));
        features.Set(outer.Features.Get<IHttpConnectionFeature>());
        features.Set(outer.Features.Get<AnswerBudget.Call>());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(_response.Writer.AsStream()));
        features.Set<IHttpResponseTrailersFeature>(this);
        features.Set<IHttpRequestLifetimeFeature>(this);
        _context = new DefaultHttpContext(features) { RequestServices = outer.RequestServices };
        _context.SetEndpoint(endpoint);
        _running = RunAsync(endpoint.RequestDelegate!);
    }

    /// <inheritdoc/>
    public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();

    /// <inheritdoc/>
    public CancellationToken RequestAborted { get; set; }

    /// <inheritdoc/>
    public void Abort() => _aborted.Cancel();

    /// <summary>Sends a message.</summary>
    public async Task SendAsync(IMessage message)
    {
        var bytes = message.CalculateSize();
        var frame = _request.Writer.GetMemory(HeadBytes + bytes);
        frame.Span[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(frame.Span[1..], bytes);
        message.WriteTo(frame.Span.Slice(HeadBytes, bytes));
        _request.Writer.Advance(HeadBytes + bytes);
        await _request.Writer.FlushAsync(RequestAborted);
    }

    /// <summary>Nothing more is sent.</summary>
    public void EndSending() => _request.Writer.Complete();

    /// <summary>The next answer; null: there are no more, and the call went well.</summary>
    /// <exception cref="RpcException">The call failed.</exception>
    public async Task<IMessage?> NextAsync(MessageParser parser)
    {
        while (true)
        {
            var read = await _response.Reader.ReadAsync(RequestAborted);
            var buffer = read.Buffer;
            if (buffer.Length >= HeadBytes)
            {
                var head = new byte[HeadBytes];
                System.Buffers.BuffersExtensions.CopyTo(buffer.Slice(0, HeadBytes), head);
                var end = HeadBytes + BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1));
                if (buffer.Length >= end)
                {
                    var message = parser.ParseFrom(buffer.Slice(HeadBytes, end - HeadBytes));
                    _response.Reader.AdvanceTo(buffer.GetPosition(end));
                    return message;
                }
            }

            _response.Reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                await _running;
                ThrowIfFailed();
                return null;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _aborted.CancelAsync();
        await _request.Writer.CompleteAsync();
        await _response.Reader.CompleteAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _aborted.Dispose();
    }

    /// <summary>The client's certificate does not speak for it here: as in etcd, the gateway's users have tokens.</summary>
    private static IHeaderDictionary Headers(IHeaderDictionary outer)
    {
        IHeaderDictionary headers = new HeaderDictionary();
        (headers.ContentType, headers.TE) = ("application/grpc", "trailers");
        if (outer.Authorization.Count > 0)
        {
            headers.Authorization = outer.Authorization;
        }

        foreach (var (name, values) in outer)
        {
            if (name.StartsWith(MetadataPrefix, StringComparison.OrdinalIgnoreCase))
            {
                headers[name[MetadataPrefix.Length..]] = values;
            }
        }

        return headers;
    }

    private async Task RunAsync(RequestDelegate endpoint)
    {
        Exception? problem = null;
        try
        {
            await Task.Yield();
            await endpoint(_context);
            await _context.Response.CompleteAsync();
        }
        catch (Exception error)
        {
            problem = error;
        }

        await _response.Writer.CompleteAsync(problem);
    }

    /// <summary>It is over when the client has what is made of it.</summary>
    private sealed class ResponseOf(HttpContext outer) : HttpResponseFeature
    {
        public override void OnCompleted(Func<object, Task> callback, object state) => outer.Response.OnCompleted(callback, state);
    }

    private void ThrowIfFailed()
    {
        var from = Trailers.ContainsKey(GrpcStatus) ? Trailers : _context.Response.Headers;
        var code = int.TryParse(from[GrpcStatus], out var known) ? (StatusCode)known : StatusCode.Unknown;
        if (code != StatusCode.OK)
        {
            throw new RpcException(new Status(code, WebUtility.UrlDecode(from[GrpcMessage].ToString().Replace("+", "%2B", StringComparison.Ordinal))));
        }
    }
}
