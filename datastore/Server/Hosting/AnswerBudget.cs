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

    /// <summary>
    /// How many times the size of an answer its JSON takes: the answer itself, as text with and without spaces, and as what is sent.
    /// </summary>
    private const int JsonForms = 7;

    /// <summary>What is taken at once while an answer grows.</summary>
    private const int StepBytes = 256 * 1024;

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

    /// <summary>
    /// The answer of this call becomes JSON. All its forms are counted from the first byte on: calls that keep one form while they
    /// wait for room for the others would wait for one another.
    /// </summary>
    public void CountAsJson(HttpContext context) => Open(context, JsonForms);

    /// <summary>Reads an answer from the store, whose size nobody knows before. Its room is given back when the call has ended.</summary>
    /// <param name="context">The call.</param>
    /// <param name="argument">Of <paramref name="read"/>, so that it need not be an object of its own for each call.</param>
    /// <param name="read">
    /// Gives the answer, and tells of the bytes of each of its parts before it is kept. It is done again when there was no room.
    /// </param>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: there is no room.</exception>
    public async ValueTask<T> ReadAsync<TArgument, T>(HttpContext context, TArgument argument, Func<TArgument, Action<int>, T> read)
    {
        var growing = new Growing(this, context);
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                var answer = read(argument, growing.Add);
                growing.Settle();
                return answer;
            }
            catch (NoRoomException)
            {
                // What was read is dropped: many that keep a part each would wait for one another.
            }

            var left = Patience - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero || !await growing.StartOverAsync(left, time))
            {
                throw Refusals.ToStatus(NodeError.TooManyRequests);
            }
        }
    }

    /// <summary>Takes room for an answer that is there, until the call has ended.</summary>
    /// <param name="context">The call.</param>
    /// <param name="bytes">Of the answer.</param>
    /// <param name="isWrite">What it answers has taken effect, and must not look as if it had been refused.</param>
    /// <exception cref="RpcException">There is no room: RESOURCE_EXHAUSTED; of a write UNAVAILABLE.</exception>
    public ValueTask TakeAsync(HttpContext context, long bytes, bool isWrite)
    {
        var isSmall = bytes < LargeBytes / JsonForms || bytes * FormsOf(context) < LargeBytes;
        return isSmall ? default : TakeLargeAsync(context, bytes, isWrite);
    }

    /// <summary>The same, of an answer for which the call has taken none yet.</summary>
    public ValueTask TakeIfNoneAsync(HttpContext context, long bytes, bool isWrite) =>
        KnownOf(context)?.Room.Bytes > 0 ? default : TakeAsync(context, bytes, isWrite);

    /// <summary>Takes room for one part of a stream at a time.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: there is no room.</exception>
    public async ValueTask<IDisposable> TakePartAsync(HttpContext context, long bytes)
    {
        var room = RoomFor(context);
        return await room.TakeAsync(bytes * FormsOf(context), Patience, time, context.RequestAborted)
            ? room
            : throw Refusals.ToStatus(NodeError.TooManyRequests);
    }

    private async ValueTask TakeLargeAsync(HttpContext context, long bytes, bool isWrite)
    {
        var call = KnownOf(context) ?? Open(context, forms: 1);
        if (!await call.Room.TakeAsync(bytes * call.Forms, Patience, time, context.RequestAborted))
        {
            throw isWrite
                ? new RpcException(new(StatusCode.Unavailable, $"raftserver: there is no room for an answer of {bytes} bytes; a write has taken effect"))
                : Refusals.ToStatus(NodeError.TooManyRequests);
        }
    }

    private ByteBudget.Room RoomFor(HttpContext context) => _budget.RoomFor(context.Connection.RemoteIpAddress);

    private static Call? KnownOf(HttpContext context) => context.Features.Get<Call>();

    private static int FormsOf(HttpContext context) => KnownOf(context)?.Forms ?? 1;

    private Call Open(HttpContext context, int forms)
    {
        var call = new Call(RoomFor(context), forms);
        context.Features.Set(call);
        context.Response.RegisterForDispose(call.Room);
        return call;
    }

    /// <summary>A call that takes room, or may: one object for each, whoever takes from it, and none while its answer is small.</summary>
    internal sealed record Call(ByteBudget.Room Room, int Forms);

    /// <summary>What an answer takes while it is read.</summary>
    private sealed class Growing(AnswerBudget budget, HttpContext context)
    {
        private int _forms;
        private long _bytes;
        private ByteBudget.Room? _room;
        private long _before;

        private long Wanted => _bytes * _forms;

        private long Taken => _room is null ? 0 : _room.Bytes - _before;

        public void Add(int bytes)
        {
            _bytes += bytes + PartOverheadBytes;
            if (_bytes < LargeBytes / JsonForms)
            {
                return;
            }

            _forms = _forms > 0 ? _forms : FormsOf(context);
            if (Wanted >= LargeBytes && Wanted > Taken && !Room().TryTake(Wanted - Taken + StepBytes))
            {
                throw new NoRoomException();
            }
        }

        /// <summary>The answer is there: what was taken for more of it goes back.</summary>
        public void Settle() => _room?.GiveBack(Taken - (Wanted < LargeBytes ? 0 : Wanted));

        /// <summary>Waits for room for what was there, and half as much again. False: there is none.</summary>
        public ValueTask<bool> StartOverAsync(TimeSpan patience, TimeProvider time)
        {
            var wanted = Wanted + (Wanted / 2);
            _bytes = 0;
            var room = Room();
            room.GiveBack(Taken);
            return room.TakeAsync(wanted, patience, time, context.RequestAborted);
        }

        private ByteBudget.Room Room()
        {
            if (_room is null)
            {
                _room = (KnownOf(context) ?? budget.Open(context, forms: 1)).Room;
                _before = _room.Bytes;
            }

            return _room;
        }
    }

    private sealed class NoRoomException : Exception;
}
