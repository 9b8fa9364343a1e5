using Google.Protobuf;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Requests;

/// <summary>
/// A seed's sequence of steps. Each seed draws which features it is about (swarm testing, Groce et al. 2012): what is always on
/// hides what only happens without it.
/// </summary>
internal static class SequenceGenerator
{
    private const int StepsMin = 30;
    private const int StepsMax = 60;

    public static IReadOnlyList<Step> Generate(int seed, Feature allowed)
    {
        var draw = new Draw(seed);
        bool Takes(Feature feature, int percent) => draw.Percent(percent) && allowed.HasFlag(feature);
        var (hasMaintenance, hasAlarms) = (Takes(Feature.Maintenance, 40), Takes(Feature.Alarms, 12));
        // The comparison needs to put a key now and then, to know what watchers have been told: no alarm may be in its way.
        var (hasLeases, hasWatches, hasAuth) = (Takes(Feature.Leases, 45), Takes(Feature.Watches, 45) && !hasAlarms, Takes(Feature.Auth, 30) && !hasAlarms);

        var hasCoordination = Takes(Feature.Coordination, 20) && !hasAlarms && !hasAuth;
        var leases = new LeaseRequests(draw);
        // etcd looks for alarms at the first level of a transaction only (see docs/compatibility.md).
        var kv = new KvRequests(draw, nestedMax: hasAlarms || hasAuth ? 0 : 2, isGuarded: hasAuth, hasLeases ? leases.Id : () => 7);
        var maintenance = new MaintenanceRequests(draw);
        var watches = new WatchRequests(draw, kv, isGuarded: hasAuth);
        var auth = new AuthRequests(draw, kv);
        var coordination = new CoordinationRequests(draw);

        var steps = new List<Step>();
        if (hasAuth && draw.Percent(80)) steps.AddRange(auth.Setup());
        var length = steps.Count + draw.Between(StepsMin, StepsMax);
        while (steps.Count < length)
        {
            var user = hasAuth ? auth.Caller() : null;
            steps.AddRange(draw.Weighted<IEnumerable<Step>>(
                (30, () => By(user, kv.Any())),
                (15, () => [new Call(kv.Write(), user)]),
                (hasMaintenance ? 8 : 0, () => By(user, maintenance.Any())),
                (hasAlarms ? 6 : 0, () => By(user, maintenance.Alarm())),
                (hasLeases ? 15 : 0, () => leases.Any().SelectMany(call => By(user, call.Request))),
                (hasCoordination ? 12 : 0, coordination.Any),
                (hasWatches ? 15 : 0, () => [watches.Any(user)]),
                (hasAuth ? 12 : 0, () => [new Call(auth.Any(), user)]),
                (hasAuth ? 2 : 0, AuthRequests.Login)));
        }

        return steps;

        // What etcd lets anybody do, and ours does not (see docs/compatibility.md), is done by root.
        IEnumerable<Step> By(string? user, IMessage request) => hasAuth && request is (AlarmRequest or CompactionRequest or LeaseGrantRequest or LeaseRevokeRequest)
            ? [new Call(AuthRequests.LoginOf(AuthRequests.Root)), new Call(request, AuthRequests.Root)]
            : [new Call(request, user)];
    }
}
