using System.Net;
using Raft.Server.Hosting;

namespace Raft.Server.Tests;

/// <summary>Room in memory that clients share.</summary>
public sealed class ByteBudgetTests
{
    private static readonly IPAddress One = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Other = IPAddress.Parse("10.0.0.2");

    private readonly ByteBudget _budget = new(1000);

    [Fact]
    public void No_client_takes_it_all()
    {
        using var first = _budget.RoomFor(One);
        Assert.True(first.TryTake(700));
        using var second = _budget.RoomFor(One);
        Assert.False(second.TryTake(100));
        using var other = _budget.RoomFor(Other);
        Assert.True(other.TryTake(250));
        Assert.False(other.TryTake(100));
        first.Dispose();
        Assert.True(second.TryTake(100));
    }

    [Fact]
    public void What_is_alone_always_fits_and_grows()
    {
        using var room = _budget.RoomFor(One);
        Assert.True(room.TryTake(900));
        Assert.True(room.TryTake(9000));
        using var further = _budget.RoomFor(Other);
        Assert.False(further.TryTake(1));
    }

    [Fact]
    public async Task Whoever_waits_gets_what_is_given_back()
    {
        var time = new ManualTime();
        using var first = _budget.RoomFor(One);
        Assert.True(first.TryTake(900));
        using var second = _budget.RoomFor(Other);
        var waiting = second.TakeAsync(300, TimeSpan.FromSeconds(5), time, TestContext.Current.CancellationToken).AsTask();
        first.GiveBack(100);
        Assert.False(waiting.IsCompleted);
        first.GiveBack(100);
        Assert.True(await waiting);

        waiting = first.TakeAsync(300, TimeSpan.FromSeconds(5), time, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(await waiting);
        Assert.Equal(1000, _budget.Taken);
    }
}
