using Google.Protobuf;
using Raft.Protocol.Etcd;
using static Raft.Protocol.Etcd.AlarmRequest.Types;
using static Raft.Protocol.Etcd.DowngradeRequest.Types;

namespace Raft.Differential.Tests.Requests;

/// <summary>The services Cluster and Maintenance, as far as they leave the cluster as it is: what they answer, and what they refuse.</summary>
internal sealed class MaintenanceRequests(Draw draw)
{
    // One alarm of one member in a sequence (see docs/compatibility.md).
    private readonly AlarmType _alarm = draw.Of(AlarmType.Nospace, AlarmType.Corrupt);
    private readonly ulong _alarmed = draw.Of(0UL, NoMember, Symbols.OwnMember);

    /// <summary>Nobody has this id.</summary>
    public const ulong NoMember = 4711;

    public IMessage Any() => draw.Weighted<IMessage>(
        (2, () => new StatusRequest()),
        (3, () => new HashKVRequest { Revision = draw.Percent(70) ? Symbols.Revision(-draw.Between(-1, 8)) : draw.Between(-1, 0) }),
        (1, () => new HashRequest()),
        (1, () => new DefragmentRequest()),
        (1, () => new MoveLeaderRequest { TargetID = draw.Of(NoMember, 0UL, Symbols.OwnMember) }),
        (1, () => new DowngradeRequest { Action = draw.Of(DowngradeAction.Validate, DowngradeAction.Cancel, (DowngradeAction)7), Version = Version() }),
        // One that takes effect costs etcd seven seconds each way: see DifferentialTests.
        (1, () => new DowngradeRequest { Action = DowngradeAction.Enable, Version = BadVersion() }),
        (2, () => new MemberListRequest { Linearizable = draw.Percent(50) }),
        (1, () => new MemberAddRequest { PeerURLs = { BadUrls() }, IsLearner = draw.Percent(50) }),
        (1, () => new MemberRemoveRequest { ID = draw.Of(NoMember, 0UL) }),
        (1, () => new MemberPromoteRequest { ID = draw.Of(NoMember, 0UL, Symbols.OwnMember) }),
        (1, () => new MemberUpdateRequest { ID = draw.Of(NoMember, 0UL), PeerURLs = { draw.Percent(50) ? BadUrls() : ["http://127.0.0.1:1"] } }),
        (1, () => Alarm(AlarmAction.Get, draw.Of(AlarmType.None, AlarmType.Nospace, AlarmType.Corrupt), AnyMember())));

    /// <summary>Raised and ended by hand, also for a member that is not there, and alarms that are not raised.</summary>
    public AlarmRequest Alarm() => draw.Weighted(
        (3, () => Alarm(AlarmAction.Activate, _alarm, _alarmed)),
        (4, () => Alarm(AlarmAction.Deactivate, _alarm, _alarmed)),
        (1, () => Alarm(AlarmAction.Deactivate, draw.Of(AlarmType.Nospace, AlarmType.Corrupt), AnyMember())),
        (1, () => Alarm(AlarmAction.Get, _alarm, _alarmed)));

    private static AlarmRequest Alarm(AlarmAction action, AlarmType kind, ulong member) =>
        new() { Action = action, Alarm = kind, MemberID = member };

    private ulong AnyMember() => draw.Of(0UL, NoMember, Symbols.OwnMember);

    private string Version() => draw.Percent(40) ? draw.Of("3.4", "3.4.0", "3.4.9", "03.04.00", "3.4.0-rc.1+x", "3.4.0-") : BadVersion();

    private string BadVersion() => draw.Of(
        "", "x", "3", "3.5.0", "3.6.0", "3.3.0", "4.0", "4.4.0", "v3.4.0", " 3.4.0", "3.4.x", "3.4.0.0", "3.4-rc", "3.-4.0", "3.4.0-rc_1",
        "99999999999999999999.4.0");

    private string[] BadUrls() => draw.Of<string[]>(
        [], [""], ["x"], ["http://"], ["127.0.0.1:2380"], ["http://127.0.0.1"], ["ftp://127.0.0.1:1"], ["http://127.0.0.1:1/"], ["http://127.0.0.1:1/path"]);
}
