using Google.Protobuf;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Clients;

/// <summary>
/// A client that watches some keys, reads fast or slowly, and goes on at another member where it was when its member fails, or just
/// so. Once everything has healed it must hear of all that happened.
/// </summary>
internal sealed class SimulatedWatcher
{
    private const int LooksAfterMs = 400;
    private const int PastMax = 50;

    // What is there to take must fit into the time for healing.
    private const int HealedReadMs = 20;

    private readonly Simulator _simulator;
    private readonly int _number;
    private readonly SeededRandom _random;
    private readonly CheckedWatch _watch;
    private readonly int _readMs;
    private SimulatedMember? _member;
    private WatchChannel? _channel;
    private int _incarnation;
    private bool _isReading;
    private bool _isServedHealed;

    public SimulatedWatcher(Simulator simulator, int number, SeededRandom random)
    {
        (_simulator, _number, _random) = (simulator, number, random);
        _watch = new CheckedWatch($"watcher {number}", simulator.Truth, Draw());
        _readMs = random.Pick([1, 20, 500]);
    }

    /// <summary>It is connected and was told of everything, after everything had healed.</summary>
    public bool IsDone => _isServedHealed && IsConnected && _watch.HasAll;

    /// <summary>Events that it was told of.</summary>
    public long Told => _watch.Told;

    private bool IsConnected => _channel is not null && _member is { IsUp: true } && _member.Incarnation == _incarnation;

    public void Begin() => _simulator.At(_random.Between(0, 500), LookAfter);

    private void LookAfter()
    {
        var mustLeave = _simulator.IsHealing && _member is not null && !_simulator.Administrator.Newest.Voters.Contains(_member.Id);
        if (!IsConnected || mustLeave || (!_simulator.IsHealing && _random.Below(30) == 0))
            Connect();
        else if (_random.Below(3) == 0)
            Ask(static channel => channel.RequestProgress());
        else if (_random.Below(10) == 0)
            Ask(static channel => channel.NotifyProgress());
        _simulator.At(_random.Between(1, LooksAfterMs), LookAfter);
    }

    private void Connect()
    {
        _channel?.Dispose();
        (_channel, _isReading) = (null, false);
        _member = _random.Pick(ClientConnection.Known(_simulator));
        if (_member.Node is not { } node)
            return;
        (_incarnation, _watch.Member) = (_member.Incarnation, _member.Id);
        if (_watch.Next > 1 && _random.Below(8) == 0)
            _watch.GoTo(_random.Between((int)Math.Max(1, _watch.Next - PastMax), (int)_watch.Next)); // sees it once more
        WatchChannel channel = null!;
        channel = node.Watches.OpenChannel(() => ReadSoon(channel));
        _channel = channel;
        var request = _watch.ToRequest();
        _simulator.Trace.Note(_member.Id, $"watcher {_number} watches from {request.StartRevision}");
        Ask(opened => opened.Create(request));
    }

    /// <summary>Asks the member, which may stand still for a while.</summary>
    private void Ask(Action<WatchChannel> ask)
    {
        var channel = _channel!;
        _member!.After(1, () =>
        {
            if (_channel == channel)
                ask(channel);
        });
    }

    private void ReadSoon(WatchChannel channel)
    {
        if (_channel != channel || _isReading || !IsConnected)
            return;
        _isReading = true;
        _member!.After(_random.Between(1, _simulator.IsHealing ? Math.Min(_readMs, HealedReadMs) : _readMs), () =>
        {
            if (_channel != channel)
                return;
            _isReading = false;
            Read(channel);
        });
    }

    /// <summary>As the server does: what waits is sent.</summary>
    private void Read(WatchChannel channel)
    {
        for (var count = _random.Between(1, 4); count > 0; count--)
        {
            if (!channel.TryTake(out var answer))
                return;
            Take(answer);
            if (_channel != channel)
                return;
        }

        ReadSoon(channel);
    }

    private void Take(WatchAnswer answer)
    {
        _simulator.Trace.Note(_member!.Id, $"watcher {_number}: {answer.Events.Count} events up to {answer.Revision}{(answer.IsCreated ? ", created" : "")}");
        if (answer.IsCanceled)
        {
            SafetyChecker.Holds(answer.CompactRevision > 0, "Watch", $"watcher {_number} is ended: {answer.CancelReason}", _member.Id);
            _watch.IsCompacted(answer);
            Connect();
        }
        else if (answer.IsCreated)
        {
            _watch.IsCreated(answer);
        }
        else if (answer.WatchId == WatchAnswer.NoWatch)
        {
            _watch.HasAllUpTo(answer.Revision);
            _isServedHealed |= _simulator.IsHealing;
        }
        else
        {
            _watch.IsTold(answer);
        }
    }

    private WatchCreateRequest Draw()
    {
        var request = new WatchCreateRequest { PrevKv = _random.Below(2) == 0, ProgressNotify = _random.Below(2) == 0 };
        (request.Key, request.RangeEnd) = _random.Below(5) switch
        {
            0 => (ByteString.CopyFromUtf8("k1"), ByteString.Empty),
            1 => (ByteString.CopyFromUtf8("k"), ByteString.CopyFromUtf8("l")),
            2 => (ByteString.CopyFromUtf8("w0"), ByteString.CopyFromUtf8("w3")),
            3 => (ByteString.CopyFromUtf8("l"), ByteString.CopyFrom(0)),
            _ => (ByteString.CopyFrom(0), ByteString.CopyFrom(0)),
        };
        if (_random.Below(5) == 0)
            request.Filters.Add(_random.Pick([WatchCreateRequest.Types.FilterType.Noput, WatchCreateRequest.Types.FilterType.Nodelete]));
        return request;
    }
}
