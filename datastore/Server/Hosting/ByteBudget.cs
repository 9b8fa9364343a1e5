using System.Net;

namespace Raft.Server.Hosting;

/// <summary>
/// Bounds the memory that calls of clients take for one purpose together. No client gets more than three quarters of it, so that
/// one alone never takes it from all others.
/// </summary>
internal sealed class ByteBudget(long bytesMax)
{
    private readonly long _clientBytesMax = bytesMax / 4 * 3;
    private readonly Lock _changing = new();
    private readonly Dictionary<IPAddress, long> _ofClients = [];
    private TaskCompletionSource? _freed;
    private long _bytes;

    /// <summary>Bytes that are taken now.</summary>
    public long Taken => Interlocked.Read(ref _bytes);

    /// <summary>Room for one call, empty as yet.</summary>
    /// <param name="client">Where the call comes from: whoever opens many connections still has one address.</param>
    public Room RoomFor(IPAddress? client) => new(this, client ?? IPAddress.None);

    /// <param name="client">Who takes it.</param>
    /// <param name="had">What the same call has already.</param>
    /// <param name="bytes">How much more.</param>
    private bool TryTake(IPAddress client, long had, long bytes)
    {
        lock (_changing)
        {
            var ofClient = _ofClients.GetValueOrDefault(client);
            var fits = _bytes + bytes <= bytesMax && (ofClient + bytes <= _clientBytesMax || ofClient == had);
            var isAlone = _bytes == had;
            if (!fits && !isAlone)
            {
                return false;
            }

            _ofClients[client] = ofClient + bytes;
            _bytes += bytes;
            return true;
        }
    }

    private void GiveBack(IPAddress client, long bytes)
    {
        TaskCompletionSource? freed;
        lock (_changing)
        {
            _bytes -= bytes;
            var left = _ofClients[client] - bytes;
            if (left == 0)
            {
                _ofClients.Remove(client);
            }
            else
            {
                _ofClients[client] = left;
            }

            (freed, _freed) = (_freed, null);
        }

        freed?.SetResult();
    }

    /// <summary>Ends when something is given back.</summary>
    private Task Freed()
    {
        lock (_changing)
        {
            return (_freed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>What one call has of the budget. One thread at a time.</summary>
    public sealed class Room(ByteBudget budget, IPAddress client) : IDisposable
    {
        /// <summary>What the call has.</summary>
        public long Bytes { get; private set; }

        /// <summary>False: there is no room for more now. A call that is alone always gets it, however much it is.</summary>
        public bool TryTake(long bytes)
        {
            if (bytes > 0 && !budget.TryTake(client, Bytes, bytes))
            {
                return false;
            }

            Bytes += Math.Max(0, bytes);
            return true;
        }

        /// <summary>Waits for a while until there is room. False: there was none.</summary>
        public async ValueTask<bool> TakeAsync(long bytes, TimeSpan patience, TimeProvider time, CancellationToken cancellation)
        {
            if (TryTake(bytes))
            {
                return true;
            }

            using var over = new CancellationTokenSource(patience, time);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellation);
            while (true)
            {
                // Asked for before trying: what is given back in between is not missed.
                var freed = budget.Freed();
                if (TryTake(bytes))
                {
                    return true;
                }

                await freed.WaitAsync(ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellation.ThrowIfCancellationRequested();
                if (over.IsCancellationRequested)
                {
                    return false;
                }
            }
        }

        /// <summary>Gives a part of it back.</summary>
        public void GiveBack(long bytes)
        {
            if (bytes > 0)
            {
                Bytes -= bytes;
                budget.GiveBack(client, bytes);
            }
        }

        /// <summary>Gives all of it back.</summary>
        public void Dispose() => GiveBack(Bytes);
    }
}
