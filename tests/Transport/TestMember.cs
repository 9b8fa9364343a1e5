using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Transport.Tests;

/// <summary>A member as its peers see it: a real server on a port of its own, a real transport, and an inbox that remembers.</summary>
internal sealed class TestMember : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly PeerEndpoint _endpoint;
    private bool _disposed;

    private TestMember(WebApplication app, PeerOptions options, RecordingInbox inbox, RecordingLog log)
    {
        _app = app;
        Options = options;
        Inbox = inbox;
        Log = log;
        Transport = new(options, inbox, app.Services.GetRequiredService<ILogger<PeerTransport>>());
        _endpoint = app.Services.GetRequiredService<PeerEndpoint>();
    }

    public PeerOptions Options { get; }

    public RecordingInbox Inbox { get; }

    public RecordingLog Log { get; }

    public PeerTransport Transport { get; }

    public MemberId Id => Options.Self;

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public int Port => new Uri(Url).Port;

    public static async Task<TestMember> StartAsync(
        PeerOptions options, int port = 0, Action<ListenOptions>? listen = null, bool serve = true, TimeSpan? patience = null)
    {
        var log = new RecordingLog();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.UsePeerLimits();
            kestrel.Listen(IPAddress.Loopback, port, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http2;
                listen?.Invoke(endpoint);
                endpoint.UsePeerStreams(isSecured: listen is not null);
            });
        });
        if (patience is { } given)
        {
            builder.Services.AddSingleton(new PeerEndpoint { Patience = given });
        }

        builder.Services.AddPeerService();
        var app = builder.Build();
        app.MapPeerService();
        await app.StartAsync();
        var member = new TestMember(app, options, new RecordingInbox(), log);
        if (serve)
        {
            member._endpoint.Serve(options, member.Inbox, member.Transport);
        }

        return member;
    }

    public void Knows(params (MemberId Id, string[] Urls)[] peers) =>
        Transport.Update(peers.ToDictionary(peer => peer.Id, peer => (IReadOnlyList<string>)peer.Urls));

    public void Knows(TestMember other) => Knows((other.Id, [other.Url]));

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await Transport.DisposeAsync();
        _endpoint.Close();
        await _app.DisposeAsync();
    }
}

/// <summary>Remembers what arrived, and lets tests wait for it.</summary>
internal sealed class RecordingInbox : IPeerInbox
{
    private readonly Channel<Message> _messages = Channel.CreateUnbounded<Message>();

    public MemorySnapshots Received { get; } = new();

    public Channel<(Message Message, IReceivedSnapshot Snapshot)> SnapshotsDelivered { get; } =
        Channel.CreateUnbounded<(Message, IReceivedSnapshot)>();

    public ConcurrentQueue<MemberId> UnreachableMembers { get; } = new();

    public TaskCompletionSource<MemberId> ToldRefused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource<MemberId> ToldRemoved { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentDictionary<MemberId, bool> Removed { get; } = new();

    public Func<ForwardRequest, Task<ForwardResponse>> OnForward { get; set; } =
        _ => throw new RpcException(new(StatusCode.Unavailable, "etcdserver: no leader"));

    public ISnapshotReceiver Snapshots => Received;

    public int MessagesWaiting => _messages.Reader.Count;

    public void Receive(Message message) => _messages.Writer.TryWrite(message);

    public void ReceiveSnapshot(Message message, IReceivedSnapshot snapshot) =>
        SnapshotsDelivered.Writer.TryWrite((message, snapshot));

    public void Unreachable(MemberId member) => UnreachableMembers.Enqueue(member);

    public void ConnectionRefused(MemberId member) => ToldRefused.TrySetResult(member);

    public void RefusedAsRemoved(MemberId by) => ToldRemoved.TrySetResult(by);

    public bool IsRemoved(MemberId member) => Removed.ContainsKey(member);

    public Task<ForwardResponse> ForwardAsync(ForwardRequest request, CancellationToken cancellation) => OnForward(request);

    public Task<LogIndex> ReadIndexAsync(CancellationToken cancellation) => Task.FromResult(new LogIndex(42));

    public Task<StateHashResponse> StateHashAsync(StateHashRequest request, CancellationToken cancellation) =>
        Task.FromResult(new StateHashResponse { Revision = request.Revision, Hash = 42 });

    public MembersResponse Members() => new() { ClusterId = 7, Members = { new Protocol.Etcd.Member { ID = 9 } } };

    public async Task<Message> NextAsync() =>
        await _messages.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}

/// <summary>Takes snapshots in, in memory.</summary>
internal sealed class MemorySnapshots : ISnapshotReceiver
{
    public ConcurrentQueue<MemorySnapshot> Begun { get; } = new();

    public IReceivedSnapshot Begin()
    {
        var snapshot = new MemorySnapshot();
        Begun.Enqueue(snapshot);
        return snapshot;
    }
}

internal sealed class MemorySnapshot : IReceivedSnapshot
{
    public Dictionary<string, MemoryStream> Files { get; } = [];

    public bool IsComplete { get; private set; }

    public TaskCompletionSource Disposed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask WriteAsync(string path, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (path.Contains('/', StringComparison.Ordinal))
        {
            throw new InvalidDataException("not allowed");
        }

        if (!Files.TryGetValue(path, out var file))
        {
            Files[path] = file = new();
        }

        file.Write(data.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask CompleteAsync(CancellationToken cancellation)
    {
        IsComplete = true;
        return ValueTask.CompletedTask;
    }

    public void Dispose() => Disposed.TrySetResult();
}

/// <summary>A snapshot to send, made of files in memory.</summary>
internal sealed class SourceSnapshot(params (string Path, byte[] Content)[] files) : IStateSnapshot
{
    public bool IsDisposed { get; private set; }

    public IReadOnlyList<(string Path, long LengthBytes)> Files => [.. files.Select(file => (file.Path, (long)file.Content.Length))];

    public Stream OpenFile(string path) => new MemoryStream(files.Single(file => file.Path == path).Content);

    public void Dispose() => IsDisposed = true;
}

/// <summary>Keeps what was logged.</summary>
internal sealed class RecordingLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception));

    public Task SaysAsync(string text) => Condition.MetAsync(() => _lines.Any(line => line.Contains(text, StringComparison.Ordinal)), text);

    public void Dispose()
    {
    }
}

internal static class Condition
{
    /// <summary>Waits until the condition holds; fails the test if it does not within half a minute.</summary>
    public static async Task MetAsync(Func<bool> condition, string what)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            Assert.False(timeout.IsCancellationRequested, $"Never happened: {what}");
            await Task.Yield();
            Thread.Sleep(1); // gives the other side the processor; what is awaited is the condition
        }
    }
}
