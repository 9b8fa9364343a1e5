using CsCheck;
using KubeOps.Operator.Queue;

namespace Raft.Operator.KubeOps.Tests.Queue;

public sealed class RetryDelayTests
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(10, 60)]
    public void It_doubles_up_to_the_longest(int failuresBefore, double seconds) =>
        Assert.Equal(seconds, new RetryDelay(First, Longest, () => 1).After(failuresBefore).TotalSeconds, 3);

    [Fact]
    public void However_often_it_fails_there_is_a_next_try_within_the_longest() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Double[0, 1]).Sample((failures, draw) =>
        {
            var delay = new RetryDelay(First, Longest, () => draw).After(failures);
            return delay >= First / 2 && delay <= Longest;
        });
}
