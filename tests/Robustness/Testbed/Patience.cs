using System.Diagnostics;

namespace Raft.Robustness.Tests.Testbed;

/// <summary>
/// How long to wait for something, in time that this process was given too: on a machine that is busy with other things the members
/// stand still for minutes, and so does this.
/// </summary>
internal sealed class Patience(TimeSpan length)
{
    /// <summary>More than this cannot pass between two looks, other than by standing still.</summary>
    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(3);

    private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
    private TimeSpan _spent;

    /// <summary>To be asked at every turn of the waiting.</summary>
    public bool IsOver
    {
        get
        {
            _spent += _sinceLast.Elapsed < LongestTurn ? _sinceLast.Elapsed : LongestTurn;
            _sinceLast.Restart();
            return _spent > length;
        }
    }

    public static Patience OfSeconds(int seconds) => new(TimeSpan.FromSeconds(seconds));
}
