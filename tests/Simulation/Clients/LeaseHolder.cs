using Google.Protobuf;
using Raft.KeyValue;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Members;

namespace Raft.Simulation.Tests.Clients;

/// <summary>
/// Takes a lease, puts keys under it, keeps it alive, and at some time ends it or forgets it; then the next. What it is promised
/// goes to the <see cref="LeaseChecker"/>. Once everything has healed it keeps the lease that it has, or forgets it.
/// </summary>
internal sealed class LeaseHolder(Simulator simulator, int number, SeededRandom random)
{
    private const int LeasesMax = 10_000;
    private const int Keys = 3;
    private const int TtlSecondsMax = 5;
    private const int HealedRenewals = 3;
    private const int LoyalRenewalMs = 300;

    private readonly ClientConnection _connection = new(simulator, random, isLoyal: random.Chance(simulator.Swarm.LoyalChance));
    private readonly bool _keepsToTheEnd = random.Below(2) == 0;
    private readonly HashSet<string> _keys = [];
    private long _lease = (long)number * LeasesMax;
    private long _ttlSeconds;
    private int _renewedHealed;
    private int _puts;

    /// <summary>It was served after everything had healed, or has nothing to ask.</summary>
    public bool IsDone => !_keepsToTheEnd || _renewedHealed >= HealedRenewals;

    /// <summary>Whether a lease is one that it keeps to the end.</summary>
    public bool Keeps(long lease) => _keepsToTheEnd && lease == _lease;

    public void Begin() => simulator.At(random.Between(0, 500), Grant);

    private void Grant()
    {
        if (simulator.IsHealing && !_keepsToTheEnd)
            return;
        _lease++;
        _ttlSeconds = random.Between(1, TtlSecondsMax);
        _keys.Clear();
        var request = new LeaseGrantRequest { ID = _lease, TTL = _ttlSeconds };
        var asked = simulator.Now;
        Ask(
            $"grant {_lease} for {_ttlSeconds} s",
            node => node.ProposeAsync(new Command { LeaseGrant = request }),
            result =>
            {
                if (result.Response is LeaseGrantResponse granted)
                    IsPromised(asked, granted.TTL);
                Soon(result.Error is null ? Put : Grant);
            },
            Grant);
    }

    private void Put()
    {
        var key = $"l{number}.{_lease}.{_keys.Count}";
        var put = new PutRequest { Key = Bytes(key), Value = Bytes($"{key} {++_puts}"), Lease = _lease }; // a retry is another write
        Ask(
            $"put {key}",
            node => node.ProposeAsync(new Command { Put = put }),
            result =>
            {
                if (result.Error is null)
                    _keys.Add(key);
                else if (result.Error == StoreError.LeaseNotFound)
                    simulator.Leases.IsToldGone(_lease);
                Soon(Live);
            },
            Live);
    }

    /// <summary>What to do next with the lease that there is.</summary>
    private void Live()
    {
        if (simulator.IsHealing && !_keepsToTheEnd)
            return;
        switch (random.Below(_connection.IsLoyal ? 100 : 20))
        {
            case 0 when !simulator.IsHealing:
                Revoke();
                break;
            case 1 when !simulator.IsHealing:
                Soon(Grant); // forgets it
                break;
            case 2 or 3:
                LookUp();
                break;
            case 4 when _keys.Count < Keys:
                Put();
                break;
            case < 8 and > 4:
                ReadKeys();
                break;
            default:
                KeepAlive();
                break;
        }
    }

    private void KeepAlive()
    {
        var asked = simulator.Now;
        var request = new LeaseKeepAliveRequest { ID = _lease };
        Ask(
            $"keep {_lease} alive",
            async node => new CommandResult(await node.KeepLeaseAliveAsync(request).ConfigureAwait(false), null),
            result =>
            {
                var ttl = ((LeaseKeepAliveResponse)result.Response!).TTL;
                if (ttl == 0)
                {
                    IsGone();
                    return;
                }

                SafetyChecker.Holds(
                    ttl == _ttlSeconds, "Lease", $"{_lease} was granted {_ttlSeconds} s, and is kept alive for {ttl}", _connection.Member?.Id);
                IsPromised(asked, ttl);
                _renewedHealed += simulator.IsHealing ? 1 : 0;
                Later();
            },
            Live);
    }

    private void LookUp()
    {
        var request = new LeaseTimeToLiveRequest { ID = _lease };
        Ask(
            $"look {_lease} up",
            async node => new CommandResult(await node.LeaseTimeToLiveAsync(request).ConfigureAwait(false), null),
            result =>
            {
                var answer = (LeaseTimeToLiveResponse)result.Response!;
                if (answer.TTL < 0)
                {
                    IsGone();
                    return;
                }

                SafetyChecker.Holds(
                    answer.GrantedTTL == _ttlSeconds && answer.TTL <= _ttlSeconds,
                    "Lease",
                    $"{_lease} was granted {_ttlSeconds} s, and is said to have {answer.TTL} of {answer.GrantedTTL}",
                    _connection.Member?.Id);
                Live();
            },
            Live);
    }

    private void ReadKeys()
    {
        var range = new RangeRequest { Key = Bytes($"l{number}.{_lease}."), RangeEnd = Bytes($"l{number}.{_lease}/"), CountOnly = true };
        var expected = _keys.Count;
        Ask(
            $"read the keys of {_lease}",
            async node =>
            {
                await node.ReadBarrierAsync().ConfigureAwait(false);
                using var view = node.Store.OpenView();
                return view.Range(range).ToCommandResult();
            },
            result =>
            {
                var found = ((RangeResponse)result.Response!).Count;
                SafetyChecker.Holds(
                    found >= expected || !simulator.Leases.MustLive(_lease),
                    "Lease",
                    $"{expected} keys were put under {_lease}, which lives, but {found} are there",
                    _connection.Member?.Id);
                Live();
            },
            Live);
    }

    private void Revoke()
    {
        simulator.Leases.MayBeRevoked(_lease);
        var request = new LeaseRevokeRequest { ID = _lease };
        Ask($"revoke {_lease}", node => node.ProposeAsync(new Command { LeaseRevoke = request }), _ => Soon(Grant), Grant);
    }

    private void IsPromised(long asked, long ttlSeconds) =>
        simulator.Leases.IsPromised(_lease, asked, ttlSeconds, SimulatedMember.FastestTickMilliseconds);

    private void IsGone()
    {
        simulator.Leases.IsToldGone(_lease);
        Soon(Grant);
    }

    private void Ask(string what, Func<Node.Node, Task<CommandResult>> send, Action<CommandResult> answered, Action failed) => _connection.Call(
        send,
        result =>
        {
            simulator.Trace.Note(_connection.Member?.Id, $"holder {number}: {what}: {result.Error?.Message ?? "done"}");
            answered(result);
        },
        (_, why) =>
        {
            simulator.Trace.Note(_connection.Member?.Id, $"holder {number}: {what}: {why}");
            _connection.Leave();
            Soon(failed);
        });

    private void Soon(Action next) => simulator.At(random.Between(1, 100), next);

    /// <summary>Well before the time is over, most of the time.</summary>
    private void Later() => simulator.At(random.Between(1, _connection.IsLoyal ? LoyalRenewalMs : (int)_ttlSeconds * 600), Live);

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
