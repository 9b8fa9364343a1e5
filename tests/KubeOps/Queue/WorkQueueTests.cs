using KubeOps.Operator.Queue;

namespace Raft.Operator.KubeOps.Tests.Queue;

public sealed class WorkQueueTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();
    private readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = new WorkQueue<string>(_time);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_asked_for_often_is_handed_out_once()
    {
        for (var time = 0; time < 100; time++) _queue.Enqueue("a");
        Assert.Equal("a", await _queue.TakeAsync(Stop));
        _queue.Done("a", null);
        Assert.Equal(0, _queue.Waiting);
    }

    [Fact]
    public async Task What_is_being_worked_on_is_not_handed_out_again_but_comes_after()
    {
        _queue.Enqueue("a");
        await _queue.TakeAsync(Stop);
        _queue.Enqueue("a");
        _queue.Enqueue("b");
        Assert.Equal("b", await _queue.TakeAsync(Stop));

        var next = _queue.TakeAsync(Stop);
        Assert.False(next.IsCompleted);
        _queue.Done("a", null);
        Assert.Equal("a", await next);
    }

    [Fact]
    public async Task A_delay_is_waited_for()
    {
        _queue.Enqueue("a", 10 * Second);
        var next = _queue.TakeAsync(Stop);
        _time.Advance(9 * Second);
        Assert.False(next.IsCompleted);
        _time.Advance(Second);
        Assert.Equal("a", await next);
    }

    [Fact]
    public async Task The_earlier_of_two_times_counts()
    {
        _queue.Enqueue("a", 60 * Second);
        var next = _queue.TakeAsync(Stop);
        _queue.Enqueue("a", Second);
        _queue.Enqueue("a", 30 * Second);
        _time.Advance(Second);
        Assert.Equal("a", await next);
        Assert.Equal(0, _queue.Waiting);
    }

    [Fact]
    public async Task A_change_during_a_long_backoff_is_worked_on_at_once()
    {
        _queue.Enqueue("broken");
        await _queue.TakeAsync(Stop);
        _queue.Done("broken", TimeSpan.FromHours(1));
        var next = _queue.TakeAsync(Stop);
        Assert.False(next.IsCompleted);
        _queue.Enqueue("broken");
        Assert.Equal("broken", await next);
    }

    [Fact]
    public async Task It_is_idle_when_the_last_work_has_ended()
    {
        _queue.Enqueue("a");
        _queue.Enqueue("b");
        var first = await _queue.TakeAsync(Stop);
        var second = await _queue.TakeAsync(Stop);
        var idle = _queue.IdleAsync();
        _queue.Done(first, null);
        Assert.False(idle.IsCompleted);
        _queue.Done(second, Second);
        await idle;
    }

    [Fact]
    public async Task Under_many_workers_no_key_is_worked_on_twice_at_once_and_no_request_is_lost()
    {
        var queue = new WorkQueue<int>(TimeProvider.System);
        var running = new int[20];
        var done = new int[20];
        var wanted = new int[20];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var worker = Task.Run(
            async () =>
            {
                while (true)
                {
                    var key = await queue.TakeAsync(stop.Token);
                    _ = Task.Run(
                        async () =>
                        {
                            Assert.Equal(1, Interlocked.Increment(ref running[key]));
                            Volatile.Write(ref done[key], Volatile.Read(ref wanted[key]));
                            await Task.Yield();
                            Interlocked.Decrement(ref running[key]);
                            queue.Done(key, null);
                        },
                        Stop);
                }
            },
            Stop);

        await Parallel.ForAsync(0, 8, Stop, (_, _) =>
        {
            for (var round = 0; round < 500; round++)
            {
                var key = round % wanted.Length;
                Interlocked.Increment(ref wanted[key]);
                queue.Enqueue(key);
            }

            return ValueTask.CompletedTask;
        });
        while (queue.Waiting > 0) await Task.Yield();
        await queue.IdleAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker);
        Assert.Equal(wanted, done);
    }
}
