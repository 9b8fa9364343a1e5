using CsCheck;

namespace Raft.KeyValue.Tests.Watching;

/// <summary>
/// Random writes, compactions, lost events, slow and fast readers, against the plain list of all that ever happened.
/// </summary>
public sealed class WatchModelTests
{
    [Fact]
    public void Every_watcher_sees_every_event_once_in_order_and_whole_revisions() =>
        Gen.Int[1, int.MaxValue].Sample(
            static seed =>
            {
                using var run = new WatchRun(seed);
                run.Run(steps: 300);
            },
            iter: 400,
            threads: 1);
}
