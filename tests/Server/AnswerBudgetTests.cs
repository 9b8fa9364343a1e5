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
        Assert.Equal(6, await _answers.ReadAsync(call.Context, read => Parts(6, read)));
        Assert.Equal(6 * PartBytes, _answers.Taken);
        await call.EndAsync();
        Assert.Equal(0, _answers.Taken);

        Assert.Equal(1, await _answers.ReadAsync(new Call().Context, static read => Parts(1, read, AnswerBudget.LargeBytes - AnswerBudget.PartOverheadBytes - 1)));
        Assert.Equal(0, _answers.Taken);
    }

    [Fact]
    public async Task What_finds_no_room_is_read_again_when_another_call_has_ended()
    {
        var (first, second) = (new Call(), new Call());
        await _answers.ReadAsync(first.Context, static read => Parts(5, read));
        var told = 0;
        var waiting = _answers.ReadAsync(second.Context, read => Parts(5, bytes => read(Told(bytes)))).AsTask();
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
        await _answers.ReadAsync(new Call().Context, static read => Parts(7, read));
        var waiting = _answers.ReadAsync(new Call().Context, static read => Parts(5, read)).AsTask();
        var written = _answers.TakeAsync(new Call().Context, 5 * PartBytes).AsTask();
        Assert.False(waiting.IsCompleted || written.IsCompleted);
        _time.Advance(AnswerBudget.Patience);
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => waiting)).StatusCode);

        // What has taken effect must not look as if it had been refused.
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => written)).StatusCode);
        Assert.Equal(7 * PartBytes, _answers.Taken);
    }

    [Fact]
    public async Task One_answer_alone_may_be_larger_than_all_the_room()
    {
        var call = new Call();
        Assert.Equal(50, await _answers.ReadAsync(call.Context, static read => Parts(50, read)));
        await _answers.TakeAsync(call.Context, 100 * PartBytes);
        Assert.Equal(150 * PartBytes, _answers.Taken);
    }

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

        public override void OnCompleted(Func<object, Task> callback, object state) => _completed.Add(() => callback(state));

        public Task EndAsync() => Task.WhenAll(_completed.Select(static callback => callback()));
    }
}
