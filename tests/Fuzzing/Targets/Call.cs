using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>A call without a network.</summary>
internal sealed class Call : ServerCallContext
{
    /// <summary>Where gRPC for .NET looks for the HTTP request of a call that it did not make itself.</summary>
    private const string HttpContextKey = "__HttpContext";

    /// <param name="method">The method's path.</param>
    public Call(string method = "") => (MethodCore, UserState[HttpContextKey]) = (method, new DefaultHttpContext());

    protected override string MethodCore { get; }

    protected override string HostCore => "";

    protected override string PeerCore => "";

    protected override DateTime DeadlineCore => DateTime.MaxValue;

    protected override Metadata RequestHeadersCore { get; } = [];

    protected override CancellationToken CancellationTokenCore => CancellationToken.None;

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore { get; } = new("", []);

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException();

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
}

/// <summary>What a caller streams.</summary>
internal sealed class Streamed<T>(IEnumerable<T> messages) : IAsyncStreamReader<T>
{
    private readonly IEnumerator<T> _messages = messages.GetEnumerator();

    public T Current => _messages.Current;

    public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(_messages.MoveNext());
}
