using Raft.KeyValue.Leases;

namespace Raft.Node.Tests;

public sealed class LeaseDeadlinesTests
{
    private const int TickMs = 100;

    /// <summary>A lease of an hour that was revoked at once used to take memory for the hour.</summary>
    [Fact]
    public void Leases_that_ended_early_take_no_memory_until_their_time()
    {
        var deadlines = new LeaseDeadlines(TickMs, LeaseRules.Standard);
        deadlines.Start(tick: 0);
        deadlines.Apply(new LeaseChange(new GrantedLease(1, 3600), IsGranted: true), tick: 0);
        for (var lease = 2; lease < 100_000; lease++)
        {
            deadlines.Apply(new LeaseChange(new GrantedLease(lease, 3600), IsGranted: true), tick: 1);
            deadlines.Apply(new LeaseChange(new GrantedLease(lease, 0), IsGranted: false), tick: 1);
        }

        Assert.InRange(deadlines.Filed, 1, 2_000);
        Assert.Equal([1L], deadlines.TakeDue(tick: 36_000, max: 10, retryTicks: 30));
    }

    /// <summary>The id's older filing used to name it a second time.</summary>
    [Fact]
    public void An_id_that_is_granted_again_ends_once_and_with_its_new_time()
    {
        var deadlines = new LeaseDeadlines(TickMs, LeaseRules.Standard);
        deadlines.Start(tick: 0);
        deadlines.Apply(new LeaseChange(new GrantedLease(7, 1), IsGranted: true), tick: 0);
        deadlines.Apply(new LeaseChange(new GrantedLease(7, 0), IsGranted: false), tick: 5);
        deadlines.Apply(new LeaseChange(new GrantedLease(7, 1), IsGranted: true), tick: 5);

        Assert.Empty(deadlines.TakeDue(tick: 10, max: 10, retryTicks: 30));
        Assert.Equal([7L], deadlines.TakeDue(tick: 15, max: 10, retryTicks: 30));
    }
}
