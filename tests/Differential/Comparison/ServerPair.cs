using Google.Protobuf;
using Raft.Differential.Tests.Requests;
using Raft.Differential.Tests.Servers;
using Raft.Protocol.Etcd;

namespace Raft.Differential.Tests.Comparison;

/// <summary>Two different answers to one step, and the way there.</summary>
/// <param name="Steps">All steps up to it, with etcd's answers.</param>
/// <param name="Theirs">etcd's answer to the last one.</param>
/// <param name="Ours">Ours.</param>
internal sealed record Difference(IReadOnlyList<string> Steps, string Theirs, string Ours)
{
    public override string ToString() => $"  {string.Join("\n  ", Steps)}\n  etcd: {Theirs}\n  ours: {Ours}";
}

/// <summary>
/// etcd and our server in lock step. A sequence ends with nothing left but the history: revisions go on, so that servers that
/// answered alike stay comparable.
/// </summary>
internal sealed class ServerPair : IAsyncDisposable
{
    private readonly Side _theirs;
    private readonly Side _ours;
    private readonly List<string> _trace = [];
    private long _now = 1;
    private bool _hasAuth;

    private ServerPair(Side theirs, Side ours) => (_theirs, _ours) = (theirs, ours);

    /// <summary>How often each explanation was needed.</summary>
    public Dictionary<string, int> Explained { get; } = [];

    /// <summary>Answers compared.</summary>
    public int Answers { get; private set; }

    /// <summary>Called with each step and etcd's answer.</summary>
    public Action<string>? OnStep { get; init; }

    /// <summary>A fresh etcd and a fresh server of ours.</summary>
    /// <param name="ours">Starts what is compared with etcd; by default, our server.</param>
    /// <param name="onStep">See <see cref="OnStep"/>.</param>
    public static async Task<ServerPair> StartAsync(Func<Task<ServerProcess>>? ours = null, Action<string>? onStep = null)
    {
        var (theirs, own) = (Side.ConnectAsync("etcd", ServerProcess.StartEtcdAsync()), Side.ConnectAsync("our server", (ours ?? (() => ServerProcess.StartOursAsync()))()));
        try
        {
            await Task.WhenAll(theirs, own);
            var pair = new ServerPair(await theirs, await own) { OnStep = onStep };
            // To etcd, what lies below 0 was compacted as soon as anything was.
            if (await pair.TakeAsync(new Call(new CompactionRequest { Revision = 1 })) is { } difference)
                throw new InvalidOperationException(difference.ToString());
            return pair;
        }
        catch
        {
            foreach (var side in new[] { theirs, own }.Where(side => side.IsCompletedSuccessfully)) await side.Result.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a sequence and takes away what it leaves behind.</summary>
    /// <returns>The first difference, after which the pair is of no use; null: there was none. The end of a server is one.</returns>
    public async Task<Difference?> RunAsync(IReadOnlyList<Step> steps)
    {
        _trace.Clear();
        _hasAuth = steps.Any(step => step.User is not null || step is Call { Request: AuthEnableRequest });
        try
        {
            foreach (var step in steps)
                if (await TakeAsync(step) is { } difference) return difference;
            return await CleanUpAsync();
        }
        catch (ServerDiedException death) when (death.Side == _theirs.Name)
        {
            return new([.. _trace], death.Message, "lives");
        }
        catch (ServerDiedException death)
        {
            return new([.. _trace], "lives", death.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _theirs.DisposeAsync();
        await _ours.DisposeAsync();
    }

    private async Task<Difference?> TakeAsync(Step step)
    {
        // What a watcher that lags behind is told depends on what is compacted meanwhile, and whether a canceled one was told the
        // newest, on when that is: so none lags.
        if (step is Call { Request: CompactionRequest } or WatchStep { Request.CreateRequest: null }
            && await CatchUpAsync() is { } difference) return difference;
        return step is Call call
            ? await CompareAsync(call, side => side.CallAsync(call, _now))
            : await CompareAsync(step, side => side.WatchAsync((WatchStep)step, _now));
    }

    private async Task<Difference?> CompareAsync(Step step, Func<Side, Task<Answer>> takeAsync)
    {
        var answering = takeAsync(_ours);
        var theirs = await takeAsync(_theirs);
        var ours = await answering;
        Answers++;
        Note($"{step} -> {theirs}");
        if (theirs.Message?.Descriptor.FindFieldByName("header")?.Accessor.GetValue(theirs.Message) is ResponseHeader header && step is Call)
            _now = Math.Max(_now, header.Revision);
        if (theirs.Equals(ours)) return null;
        var request = (step as Call)?.Request ?? ((WatchStep)step).Request;
        if (Explanation.Of(request, theirs, ours) is not { } name) return new([.. _trace], theirs.ToString(), ours.ToString());
        Explained[name] = Explained.GetValueOrDefault(name) + 1;
        return null;
    }

    /// <summary>Waits until no watcher lags. etcd tells no progress to one from now on before the first change after it.</summary>
    private async Task<Difference?> CatchUpAsync()
    {
        if (!_theirs.HasStreams) return null;
        if (_hasAuth && await TakeAsync(new Call(AuthRequests.LoginOf(AuthRequests.Root))) is { } refused) return refused;
        var before = _now;
        if (await TakeAsync(new Call(new PutRequest { Key = KvRequests.Bytes("fence") }, _hasAuth ? AuthRequests.Root : null)) is { } difference)
            return difference;
        return _now > before ? await SettleAsync(isEnd: false) : null;
    }

    private async Task<Difference?> SettleAsync(bool isEnd)
    {
        var settling = _ours.SettleWatchersAsync(_now, isEnd);
        var theirs = await _theirs.SettleWatchersAsync(_now, isEnd);
        var ours = await settling;
        return theirs == ours ? null : new([.. _trace, "all watchers are told everything"], theirs ?? "they are", ours ?? "they are");
    }

    /// <summary>Ends authentication, alarms, leases, keys, users and roles. These requests are compared as all are.</summary>
    private async Task<Difference?> CleanUpAsync()
    {
        Note("-- the end of the sequence; what follows takes away what is left");
        foreach (var request in Ending(_hasAuth))
            if (await TakeAsync(new Call(request, AuthRequests.Root)) is { } difference) return difference;

        foreach (var listing in Listings(_hasAuth))
        {
            var answer = await _theirs.CallAsync(new Call(listing), _now);
            foreach (var removal in Removals(answer.Message))
                if (await TakeAsync(new Call(removal)) is { } difference) return difference;
        }

        if (await TakeAsync(new Call(new DeleteRangeRequest { Key = KvRequests.Bytes("\0"), RangeEnd = KvRequests.Bytes("\0") })) is { } left) return left;
        // Beyond where watchers from the future start, and with news for all whose range is not empty.
        for (var i = 0; i <= WatchRequests.AheadMax; i++)
            if (await TakeAsync(new Call(new PutRequest { Key = KvRequests.Bytes("a") })) is { } difference) return difference;
        if (await TakeAsync(new Call(new DeleteRangeRequest { Key = KvRequests.Bytes("a") })) is { } last) return last;
        if (await SettleAsync(isEnd: true) is { } unsettled) return unsettled;
        return await CompareStreamsAsync();
    }

    private async Task<Difference?> CompareStreamsAsync()
    {
        var (theirs, ours) = (await _theirs.CloseStreamsAsync(), await _ours.CloseStreamsAsync());
        _theirs.Forget();
        _ours.Forget();
        Answers += theirs.Count;
        for (var i = 0; i < Math.Max(theirs.Count, ours.Count); i++)
        {
            var (their, our) = (theirs.ElementAtOrDefault(i) ?? "nothing", ours.ElementAtOrDefault(i) ?? "nothing");
            if (their != our) return new([.. _trace, "what the watchers were told"], their, our);
        }

        return null;
    }

    private static IEnumerable<IMessage> Ending(bool hasAuth)
    {
        if (hasAuth)
        {
            yield return AuthRequests.LoginOf(AuthRequests.Root);
            yield return new AuthDisableRequest();
        }

        foreach (var member in new[] { 0UL, MaintenanceRequests.NoMember, Symbols.OwnMember })
        {
            foreach (var kind in new[] { AlarmType.Nospace, AlarmType.Corrupt })
                yield return new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, Alarm = kind, MemberID = member };
        }
    }

    private static IEnumerable<IMessage> Listings(bool hasAuth) =>
        hasAuth ? [new LeaseLeasesRequest(), new AuthUserListRequest(), new AuthRoleListRequest()] : [new LeaseLeasesRequest()];

    private static IEnumerable<IMessage> Removals(IMessage? listed) => listed switch
    {
        LeaseLeasesResponse leases => leases.Leases.Select(lease => new LeaseRevokeRequest { ID = lease.ID }),
        AuthUserListResponse users => users.Users.Select(user => new AuthUserDeleteRequest { Name = user }),
        AuthRoleListResponse roles => roles.Roles.Select(role => new AuthRoleDeleteRequest { Role = role }),
        _ => [],
    };

    private void Note(string line)
    {
        _trace.Add(line);
        OnStep?.Invoke(line);
    }
}
