using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Raft.Protocol.V1;
using static Raft.Transport.Tests.TestMessages;

namespace Raft.Transport.Tests;

public sealed class SnapshotTests : IAsyncLifetime
{
    private TestMember _one = null!;
    private TestMember _two = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _one = await TestMember.StartAsync(Options(One) with { SnapshotChunkBytes = 1000 });
        _two = await TestMember.StartAsync(Options(Two));
        _one.Knows(_two);
    }

    [Fact]
    public async Task A_snapshot_arrives_whole_and_then_its_message()
    {
        var large = new byte[1_234_567];
        new Random(1).NextBytes(large);
        using var snapshot = new SourceSnapshot(("a.sst", large), ("empty", []), ("CURRENT", [1, 2, 3]));
        Assert.True(await SendAsync(snapshot));
        Assert.True(snapshot.IsDisposed);
        var (message, received) = await _two.Inbox.SnapshotsDelivered.Reader.ReadAsync(Stop);
        var files = ((MemorySnapshot)received).Files;
        Assert.True(((MemorySnapshot)received).IsComplete);
        Assert.Equal(["a.sst", "empty", "CURRENT"], files.Keys);
        Assert.Equal(large, files["a.sst"].ToArray());
        Assert.Equal([1, 2, 3], files["CURRENT"].ToArray());
        Assert.Equal(Snapshot(9).Snapshot, message.Snapshot);
    }

    [Fact]
    public async Task A_snapshot_for_a_member_that_is_away_or_unknown_is_reported_as_not_delivered()
    {
        await _two.DisposeAsync();
        using var snapshot = new SourceSnapshot(("a", [1]));
        Assert.False(await SendAsync(snapshot));
        _one.Knows();
        Assert.False(await SendAsync(snapshot));
        Assert.True(snapshot.IsDisposed);
    }

    [Fact]
    public async Task A_snapshot_that_the_receiver_cannot_take_leaves_nothing_there()
    {
        using var snapshot = new SourceSnapshot(("../evil", [1]));
        Assert.False(await SendAsync(snapshot));
        await _two.Inbox.Received.Begun.Single().Disposed.Task.WaitAsync(Stop);
        await _one.Log.SaysAsync("not allowed");
    }

    [Fact]
    public async Task A_damaged_chunk_refuses_the_snapshot()
    {
        var error = await RefusedAsync(
            Head(), new() { File = "a", Data = ByteString.CopyFrom(1, 2, 3), Checksum = 12345 }, new() { Done = true });
        Assert.Equal(StatusCode.DataLoss, error.StatusCode);
        await NothingDeliveredAsync();
    }

    [Fact]
    public async Task A_snapshot_that_ends_early_is_refused()
    {
        var error = await RefusedAsync(Head(), Chunk("a"));
        Assert.Equal(StatusCode.DataLoss, error.StatusCode);
        await NothingDeliveredAsync();
    }

    [Fact]
    public async Task A_snapshot_whose_sender_goes_away_is_given_up()
    {
        using var channel = GrpcChannel.ForAddress(_two.Url);
        var call = new Peer.PeerClient(channel).Snapshot(cancellationToken: Stop);
        await call.RequestStream.WriteAsync(Head(), Stop);
        await call.RequestStream.WriteAsync(Chunk("a"), Stop);
        await Condition.MetAsync(() => !_two.Inbox.Received.Begun.IsEmpty, "begun");
        call.Dispose();
        await NothingDeliveredAsync();
    }

    [Fact]
    public async Task A_snapshot_without_its_message_or_for_another_cluster_is_refused_before_it_begins()
    {
        Assert.Equal(StatusCode.InvalidArgument, (await RefusedAsync(Chunk("a"))).StatusCode);
        var foreign = Head();
        foreign.Head.ClusterId = 99;
        Assert.Equal(StatusCode.FailedPrecondition, (await RefusedAsync(foreign)).StatusCode);
        var mistaken = Head();
        mistaken.Head.Messages[0] = MessageMapping.ToWire(Heartbeat(1));
        Assert.Equal(StatusCode.InvalidArgument, (await RefusedAsync(mistaken)).StatusCode);
        Assert.Empty(_two.Inbox.Received.Begun);
    }

    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
    }

    private async Task<bool> SendAsync(SourceSnapshot snapshot)
    {
        var completed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _one.Transport.SendSnapshot(Snapshot(9), snapshot, completed.SetResult);
        return await completed.Task.WaitAsync(TimeSpan.FromSeconds(30), Stop);
    }

    private async Task<RpcException> RefusedAsync(params SnapshotChunk[] chunks)
    {
        using var channel = GrpcChannel.ForAddress(_two.Url);
        using var call = new Peer.PeerClient(channel).Snapshot(cancellationToken: Stop);
        try
        {
            foreach (var chunk in chunks)
            {
                await call.RequestStream.WriteAsync(chunk, Stop);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // Refused before all was sent; the answer says why.
        }

        return await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseAsync);
    }

    private async Task NothingDeliveredAsync()
    {
        await _two.Inbox.Received.Begun.Single().Disposed.Task.WaitAsync(TimeSpan.FromSeconds(30), Stop);
        Assert.Equal(0, _two.Inbox.SnapshotsDelivered.Reader.Count);
    }

    private static SnapshotChunk Chunk(string file) =>
        new() { File = file, Data = ByteString.CopyFrom(1, 2, 3), Checksum = Checksum.Of([1, 2, 3]) };

    private static SnapshotChunk Head() => new()
    {
        Head = new() { ClusterId = 7, From = One.Value, To = Two.Value, Messages = { MessageMapping.ToWire(Snapshot(9)) } },
    };
}
