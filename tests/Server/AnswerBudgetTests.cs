using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Raft.Server.Hosting;

namespace Raft.Server.Tests;

/// <summary>Large answers share a bounded room in memory.</summary>
public sealed class AnswerBudgetTests
{
    /// <summary>With what each takes beside its bytes.</summary>
    private const int PartBytes = 100_000;

    private readonly ManualTime _time = new();
    private readonly AnswerBudget _answers;

    public AnswerBudgetTests() => _answers = new(_time, bytesMax: 1_000_000);

    [Fact]
    public async Task An_answer_has_its_room_until_its_call_has_ended()
    {
        var call = new Call();
        Assert.Equal(6, await ReadAsync(call, 6));
        Assert.Equal(6 * PartBytes, _answers.Taken);
        await call.EndAsync();
        Assert.Equal(0, _answers.Taken);
    }

    /// <summary>Nearly all answers are: they must not cost what large ones do.</summary>
    [Fact]
    public async Task A_small_answer_takes_no_room_and_leaves_nothing_for_its_calls_end()
    {
        const int Most = AnswerBudget.LargeBytes - AnswerBudget.PartOverheadBytes - 1;
        var call = new Call();
        Assert.Equal(1, await _answers.ReadAsync(call.Context, Most, static (bytes, read) => Parts(1, read, bytes)));
        await _answers.TakeAsync(call.Context, AnswerBudget.LargeBytes - 1, isWrite: false);
        Assert.Equal((0, 0), (_answers.Taken, call.Awaiting));
    }

    [Fact]
    public async Task What_finds_no_room_is_read_again_when_another_call_has_ended()
    {
        var (first, second) = (new Call(), new Call());
        await ReadAsync(first, 5);
        var told = 0;
        var waiting = _answers.ReadAsync(second.Context, 5, (count, read) => Parts(count, bytes => read(Told(bytes)))).AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.InRange(told, 1, 4 * PartBytes);
        Assert.Equal(5 * PartBytes, _answers.Taken);

        await first.EndAsync();
        Assert.Equal(5, await waiting);
        Assert.Equal(5 * PartBytes, _answers.Taken);

        int Told(int bytes)
        {
            told += bytes;
            return bytes;
        }
    }

    [Fact]
    public async Task What_finds_no_room_for_long_is_refused()
    {
        await ReadAsync(new Call(), 7);
        var waiting = ReadAsync(new Call(), 5).AsTask();
        var found = _answers.TakeAsync(new Call().Context, 5 * PartBytes, isWrite: false).AsTask();
        var written = _answers.TakeAsync(new Call().Context, 5 * PartBytes, isWrite: true).AsTask();
        Assert.False(waiting.IsCompleted || found.IsCompleted || written.IsCompleted);
        _time.Advance(AnswerBudget.Patience);
        foreach (var read in new[] { waiting, found })
        {
            var refusal = (await Assert.ThrowsAsync<RpcException>(() => read)).Status;
            Assert.Equal((StatusCode.ResourceExhausted, "etcdserver: too many requests"), (refusal.StatusCode, refusal.Detail));
        }

        // What has taken effect must not look as if it had been refused.
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => written)).StatusCode);
        Assert.Equal(7 * PartBytes, _answers.Taken);
    }

    [Fact]
    public async Task One_answer_alone_may_be_larger_than_all_the_room()
    {
        var call = new Call();
        Assert.Equal(50, await ReadAsync(call, 50));
        await _answers.TakeAsync(call.Context, 100 * PartBytes, isWrite: false);
        Assert.Equal(150 * PartBytes, _answers.Taken);
    }

    /// <summary>The story: each kept what the answer itself takes while it waited for its JSON's room, and none got it.</summary>
    [Fact]
    public async Task What_becomes_json_takes_all_that_it_will_need_or_nothing()
    {
        var (first, second, third) = (new Call(), new Call(), new Call());
        foreach (var call in new[] { first, second, third })
        {
            _answers.CountAsJson(call.Context);
        }

        await ReadAsync(first, 1);
        var all = _answers.Taken;
        Assert.InRange(all, 6 * PartBytes, 8 * PartBytes);
        await _answers.TakeIfNoneAsync(first.Context, PartBytes, isWrite: false);
        Assert.Equal(all, _answers.Taken);

        var waiting = ReadAsync(second, 1).AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.Equal(all, _answers.Taken);
        await first.EndAsync();
        Assert.Equal(1, await waiting);

        await second.EndAsync();
        await _answers.TakeIfNoneAsync(third.Context, PartBytes, isWrite: false);
        Assert.Equal(all, _answers.Taken);
    }

    private ValueTask<int> ReadAsync(Call call, int parts) => _answers.ReadAsync(call.Context, parts, static (count, read) => Parts(count, read));

    private static int Parts(int count, Action<int> read, int bytesEach = PartBytes - AnswerBudget.PartOverheadBytes)
    {
        for (var part = 0; part < count; part++)
        {
            read(bytesEach);
        }

        return count;
    }

    /// <summary>A call that ends when it is told to.</summary>
    private sealed class Call : HttpResponseFeature
    {
        private readonly List<Func<Task>> _completed = [];

        public Call()
        {
            Context = new DefaultHttpContext();
            Context.Features.Set<IHttpResponseFeature>(this);
        }

        public DefaultHttpContext Context { get; }

        /// <summary>What is to be done when it ends.</summary>
        public int Awaiting => _completed.Count;

        public override void OnCompleted(Func<object, Task> callback, object state) => _completed.Add(() => callback(state));

        public Task EndAsync() => Task.WhenAll(_completed.Select(static callback => callback()));
    }
}
