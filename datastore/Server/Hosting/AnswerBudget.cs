using Grpc.Core;
using Raft.Node;
using Raft.Server.Services;

namespace Raft.Server.Hosting;

/// <summary>
/// Bounds the memory that large answers take up together, from while they are read until their clients have them: a client that
/// asks for much and reads nothing must not have all of it. What finds no room waits for some seconds and is then refused.
/// </summary>
internal sealed class AnswerBudget(TimeProvider time, long bytesMax)
{
    /// <summary>Smaller ones take no room: they are bounded well enough by how many calls may be open (see <see cref="OpenCalls"/>).</summary>
    public const int LargeBytes = 16 * 1024;

    /// <summary>How long a call waits for room. An answer is mostly read within it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>What each part takes beside its bytes: a pair is an object with two others in it.</summary>
    public const int PartOverheadBytes = 128;

    /// <summary>What is taken at once while an answer grows.</summary>
    private const int StepBytes = 256 * 1024;

    private static readonly object RoomKey = new();

    private readonly ByteBudget _budget = new(bytesMax);

    /// <summary>An eighth of the memory that there is, since an answer is held twice: as a message and as what is sent.</summary>
    public AnswerBudget(TimeProvider time)
        : this(time, Math.Min(1L << 30, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8))
    {
    }

    /// <summary>Bytes that are taken now.</summary>
    public long Taken => _budget.Taken;

    /// <summary>
    /// Whether so much of a call's answer was not sent yet that its end is to wait for its client: gRPC only writes it, and without
    /// that the call, and what it has taken, would end before anybody has read it.
    /// </summary>
    public static bool IsUnread(HttpContext context) => context.Response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: >= LargeBytes };

    /// <summary>Reads an answer from the store, whose size nobody knows before. Its room is given back when the call has ended.</summary>
    /// <param name="context">The call.</param>
    /// <param name="read">
    /// Gives the answer, and tells of the bytes of each of its parts before it is kept. It is done again when there was no room.
    /// </param>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: there is no room.</exception>
    public async ValueTask<T> ReadAsync<T>(HttpContext context, Func<Action<int>, T> read)
    {
        var growing = new Growing(RoomOf(context));
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                var answer = read(growing.Add);
                growing.Settle();
                return answer;
            }
            catch (NoRoomException)
            {
                // What was read is dropped: many that keep a part each would wait for one another.
            }

            var left = Patience - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero || !await growing.StartOverAsync(left, time, context.RequestAborted))
            {
                throw Refusals.ToStatus(NodeError.TooManyRequests);
            }
        }
    }

    /// <summary>Takes room for an answer that is there, until the call has ended.</summary>
    /// <exception cref="RpcException">
    /// UNAVAILABLE, since it may be the answer of what has taken effect: there is no room.
    /// </exception>
    public ValueTask TakeAsync(HttpContext context, long bytes) => bytes < LargeBytes ? default : TakeLargeAsync(context, bytes);

    /// <summary>Takes room for one part of a stream at a time.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: there is no room.</exception>
    public async ValueTask<IDisposable> TakePartAsync(HttpContext context, long bytes)
    {
        var room = _budget.RoomFor(context.Connection.RemoteIpAddress);
        return await room.TakeAsync(bytes, Patience, time, context.RequestAborted) ? room : throw Refusals.ToStatus(NodeError.TooManyRequests);
    }

    private async ValueTask TakeLargeAsync(HttpContext context, long bytes)
    {
        if (!await RoomOf(context).TakeAsync(bytes, Patience, time, context.RequestAborted))
        {
            throw new RpcException(new(StatusCode.Unavailable, $"raftserver: there is no room for an answer of {bytes} bytes; a write has taken effect"));
        }
    }

    /// <summary>One for each call, whoever takes from it.</summary>
    private ByteBudget.Room RoomOf(HttpContext context)
    {
        if (context.Items.TryGetValue(RoomKey, out var known))
        {
            return (ByteBudget.Room)known!;
        }

        var room = _budget.RoomFor(context.Connection.RemoteIpAddress);
        context.Items[RoomKey] = room;
        context.Response.RegisterForDispose(room);
        return room;
    }

    /// <summary>What an answer takes while it is read.</summary>
    private sealed class Growing(ByteBudget.Room room)
    {
        private readonly long _before = room.Bytes;
        private long _bytes;

        private long Taken => room.Bytes - _before;

        public void Add(int bytes)
        {
            _bytes += bytes + PartOverheadBytes;
            if (_bytes >= LargeBytes && _bytes > Taken && !room.TryTake(_bytes - Taken + StepBytes))
            {
                throw new NoRoomException();
            }
        }

        /// <summary>The answer is there: what was taken for more of it goes back.</summary>
        public void Settle() => room.GiveBack(Taken - (_bytes < LargeBytes ? 0 : _bytes));

        /// <summary>Waits for room for what was there, and half as much again. False: there is none.</summary>
        public ValueTask<bool> StartOverAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellation)
        {
            var wanted = _bytes + (_bytes / 2);
            _bytes = 0;
            room.GiveBack(Taken);
            return room.TakeAsync(wanted, patience, time, cancellation);
        }
    }

    private sealed class NoRoomException : Exception;
}
