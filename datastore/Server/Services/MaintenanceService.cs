using Google.Protobuf;
using Grpc.Core;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Membership;
using Raft.Server.Options;

namespace Raft.Server.Services;

/// <summary>etcdserverpb.Maintenance: how the member is, and the care it needs. As in etcd it takes the role root, also to look.</summary>
internal sealed class MaintenanceService(MemberHost host, ServerOptions options, Callers callers) : Maintenance.MaintenanceBase
{
    /// <summary>Of anybody, as in etcd: clients ask for the version to learn what the server can do.</summary>
    public override Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        var member = host.Require();
        var status = member.Node.Status;
        var (total, inUse) = member.Store.SizeBytes;
        var response = new StatusResponse
        {
            Header = member.Complete(null),
            Version = ProductVersion.EtcdApi,
            DbSize = total,
            DbSizeInUse = inUse,
            Leader = status.Consensus.Leader.Value,
            RaftIndex = status.Consensus.Commit.Value,
            RaftTerm = status.Consensus.Term.Value,
            RaftAppliedIndex = status.Consensus.Applied.Value,
            IsLearner = status.IsLearner,
            StorageVersion = ProductVersion.EtcdCluster,
            DbSizeQuota = options.QuotaBackendBytes,
        };
        if (status.Consensus.Leader == MemberId.None)
        {
            response.Errors.Add(NodeError.NoLeader.Message);
        }

        using var view = member.Node.Store.OpenView();
        response.Errors.AddRange(view.Alarms().Select(AsText));
        response.DowngradeInfo = view.Downgrade;
        return Task.FromResult(response);
    }

    /// <summary>Answered without a header, as etcd does.</summary>
    public override async Task<MoveLeaderResponse> MoveLeader(MoveLeaderRequest request, ServerCallContext context)
    {
        var member = await ForRootAsync(context);
        await member.Node.MoveLeaderAsync(new MemberId(request.TargetID));
        return new MoveLeaderResponse();
    }

    public override async Task<AlarmResponse> Alarm(AlarmRequest request, ServerCallContext context)
    {
        var member = await ForRootAsync(context);
        if (request.Action == AlarmRequest.Types.AlarmAction.Get)
        {
            await member.Node.ReadBarrierAsync();
            using var view = member.Node.Store.OpenView();
            return new AlarmResponse { Header = member.Complete(null), Alarms = { view.Alarms(request.Alarm) } };
        }

        var response = await ChangeAsync<AlarmResponse>(member, new Command { Alarm = request }, context);
        response.Header = member.Complete(response.Header);
        return response;
    }

    /// <summary>
    /// Gives the space of compacted versions back to the disk. Their removal may still be under way: it is waited for, so that
    /// compact, defragment and disarm, in this order, end an alarm NOSPACE. The answer has no header, as etcd's has none.
    /// </summary>
    public override async Task<DefragmentResponse> Defragment(DefragmentRequest request, ServerCallContext context)
    {
        var member = await ForRootAsync(context);
        await member.Node.CompactionFinishedAsync().WaitAsync(context.CancellationToken);
        await member.Store.CompactFilesAsync();
        return new DefragmentResponse();
    }

    public override async Task<HashResponse> Hash(HashRequest request, ServerCallContext context)
    {
        var member = await ForRootAsync(context);
        var hash = HashKv(member, 0);
        return new HashResponse { Header = hash.Header, Hash = hash.Hash };
    }

    public override async Task<HashKVResponse> HashKV(HashKVRequest request, ServerCallContext context) =>
        HashKv(await ForRootAsync(context), request.Revision);

    /// <summary>The store as a tar file in chunks, then the SHA-256 of all before it, as etcd ends its snapshots.</summary>
    public override async Task Snapshot(
        SnapshotRequest request, IServerStreamWriter<SnapshotResponse> responseStream, ServerCallContext context)
    {
        var member = await ForRootAsync(context);
        using var snapshot = await member.Node.TakeSnapshotAsync();
        await SnapshotStream.WriteAsync(
            snapshot,
            (bytes, remaining) => responseStream.WriteAsync(
                new SnapshotResponse
                {
                    Header = member.Complete(null),
                    Blob = UnsafeByteOperations.UnsafeWrap(bytes),
                    RemainingBytes = (ulong)remaining,
                    Version = ProductVersion.EtcdCluster,
                },
                context.CancellationToken));
    }

    /// <summary>
    /// Remembers, or forgets, that the cluster is to go back to the version before. Nothing else comes of it: the storage has one
    /// format, which no version before has (see docs/compatibility.md).
    /// </summary>
    public override async Task<DowngradeResponse> Downgrade(DowngradeRequest request, ServerCallContext context)
    {
        var member = await ForRootAsync(context);
        if (request.Action is not (DowngradeRequest.Types.DowngradeAction.Validate or DowngradeRequest.Types.DowngradeAction.Enable
            or DowngradeRequest.Types.DowngradeAction.Cancel))
        {
            throw new RpcException(new Status(StatusCode.Unknown, "etcdserver: unknown method"));
        }

        var target = "";
        if (request.Action != DowngradeRequest.Types.DowngradeAction.Cancel)
        {
            (target, var refusal) = DowngradeTarget.Parse(request.Version);
            Refusals.ThrowIfRefused(refusal);
        }

        var response = request.Action == DowngradeRequest.Types.DowngradeAction.Validate
            ? await ValidateAsync(member)
            : await ChangeAsync<DowngradeResponse>(
                member, new Command { Downgrade = new DowngradeRequest { Action = request.Action, Version = target } }, context);
        response.Header = member.Complete(response.Header);
        response.Version = ProductVersion.EtcdCluster;
        return response;
    }

    private async Task<TResponse> ChangeAsync<TResponse>(RunningMember member, Command command, ServerCallContext context)
        where TResponse : class, IMessage
    {
        command.Session = SessionMetadata.Stamp(context);
        command.Identity = await callers.IdentityAsync(member, context);
        var result = await member.Node.ProposeAsync(command);
        Refusals.ThrowIfRefused(result.Error);
        return (TResponse)result.Response!;
    }

    private static async Task<DowngradeResponse> ValidateAsync(RunningMember member)
    {
        await member.Node.ReadBarrierAsync();
        using var view = member.Node.Store.OpenView();
        Refusals.ThrowIfRefused(view.Downgrade.Enabled ? StoreError.DowngradeInProgress : null);
        return new DowngradeResponse();
    }

    private async ValueTask<RunningMember> ForRootAsync(ServerCallContext context)
    {
        var member = host.Require();
        await callers.RequireRootAsync(member, context);
        return member;
    }

    /// <summary>As etcd writes it, without a member that is 0, the space at the end included.</summary>
    private static string AsText(AlarmMember alarm) =>
        (alarm.MemberID == 0 ? "" : $"memberID:{alarm.MemberID} ") + $"alarm:{alarm.Alarm.ToString().ToUpperInvariant()} ";

    private static HashKVResponse HashKv(RunningMember member, long revision)
    {
        using var view = member.Node.Store.OpenView();
        var result = view.HashKv(revision);
        Refusals.ThrowIfRefused(result.Error);
        result.Response!.Header = member.Complete(result.Response.Header);
        return result.Response;
    }
}
