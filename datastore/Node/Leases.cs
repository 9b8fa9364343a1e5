using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <content>
/// Time of leases: the leader alone knows it. It answers only after a round of its quorum, so that one that was deposed promises
/// no time; and what ends a lease goes through the log, so that one that was deposed ends none.
/// </content>
public sealed partial class Node
{
    /// <summary>Questions put to a leader before giving up, each after the cluster has confirmed that it has one.</summary>
    private const int LeadersAsked = 5;

    /// <summary>Time after which the end of a lease is proposed again if it has not been applied.</summary>
    private const long RevokeAgainMs = 3000;

    private readonly LeaseDeadlines _leases;

    /// <summary>Gives a lease its full time again. The time in the answer is in seconds; 0: there is no such lease.</summary>
    /// <exception cref="RequestRefusedException">No leader answered in time.</exception>
    public async Task<LeaseKeepAliveResponse> KeepLeaseAliveAsync(LeaseKeepAliveRequest request) =>
        (await AskKeeperOfTimeAsync(new ForwardRequest { LeaseKeepAlive = request }).ConfigureAwait(false)).LeaseKeepAlive;

    /// <summary>How long a lease still lives, in seconds; -1: there is no such lease.</summary>
    /// <exception cref="RequestRefusedException">No leader answered in time.</exception>
    public async Task<LeaseTimeToLiveResponse> LeaseTimeToLiveAsync(LeaseTimeToLiveRequest request) =>
        (await AskKeeperOfTimeAsync(new ForwardRequest { LeaseTimeToLive = request }).ConfigureAwait(false)).LeaseTimeToLive;

    private static bool IsAboutLeases(ForwardRequest request) => request.RequestCase
        is ForwardRequest.RequestOneofCase.LeaseKeepAlive or ForwardRequest.RequestOneofCase.LeaseTimeToLive;

    private async Task<ForwardResponse> AskKeeperOfTimeAsync(ForwardRequest request)
    {
        for (var asked = 0; ; asked++)
        {
            var leader = Status.Consensus.Leader;
            try
            {
                if (asked > 0 || leader == MemberId.None)
                {
                    await ReadBarrierAsync().ConfigureAwait(false);
                    leader = Status.Consensus.Leader;
                }

                return leader == _options.Consensus.Id
                    ? await AnswerAboutLeaseAsync(request).ConfigureAwait(false)
                    : await _ports.Forwarder.ForwardAsync(leader, request.Clone(), CancellationToken.None).ConfigureAwait(false);
            }
            catch (Ports.ForwardingException) when (asked < LeadersAsked)
            {
                // Neither question changes anything that may not be changed twice.
            }
            catch (RequestRefusedException refusal) when (refusal.Error == NodeError.NotLeader && asked < LeadersAsked)
            {
            }
            catch (Ports.ForwardingException)
            {
                throw new RequestRefusedException(NodeError.NoLeader, surelyNotDone: true);
            }
        }
    }

    /// <summary>As the leader, once the quorum has confirmed that it is.</summary>
    private async Task<ForwardResponse> AnswerAboutLeaseAsync(ForwardRequest request)
    {
        if (_options.LeaseRules.AsksQuorum)
        {
            await ReadBarrierAsync(isForwarded: true).ConfigureAwait(false);
        }

        var answer = new PendingCall<ForwardResponse>(_options);
        answer.Begin = () =>
        {
            if (_leases.IsRunning)
            {
                answer.Complete(AnswerAboutLease(request));
            }
            else
            {
                answer.Refuse(NodeError.NotLeader, surelyNotDone: true);
            }
        };
        _inbox.Post(answer);
        return await answer.Answer.ConfigureAwait(false);
    }

    private ForwardResponse AnswerAboutLease(ForwardRequest request)
    {
        if (request.LeaseKeepAlive is { } keepAlive)
        {
            var ttl = _leases.KeepAlive(keepAlive.ID, _tick) ?? 0;
            return new() { LeaseKeepAlive = new LeaseKeepAliveResponse { ID = keepAlive.ID, TTL = ttl } };
        }

        var asked = request.LeaseTimeToLive;
        var response = new LeaseTimeToLiveResponse { ID = asked.ID, TTL = -1 };
        if (_leases.TimeToLive(asked.ID, _tick) is { } time)
        {
            (response.TTL, response.GrantedTTL) = time;
            if (asked.Keys)
            {
                using var view = Store.OpenView();
                response.Keys.AddRange(view.LeaseKeys(asked.ID).Select(ByteString.CopyFrom));
            }
        }

        return new() { LeaseTimeToLive = response };
    }

    /// <summary>
    /// Time passes for leases while this member leads, from when it has applied an entry of its own term: by then it knows every
    /// lease that a leader before it granted.
    /// </summary>
    private void WatchOverLeases()
    {
        if (_consensus.Role != Role.Leader)
        {
            if (_leases.IsRunning)
            {
                _leases.Stop();
            }
        }
        else if (!_leases.IsRunning && _applier.Record.Last.Term == _consensus.Term)
        {
            _leases.Start(_tick);
        }
    }

    private void EndLeases()
    {
        if (!_leases.IsRunning || _isLeaving)
        {
            return;
        }

        foreach (var lease in _leases.TakeDue(_tick, _options.LeasesEndedPerTick, RevokeAgainMs / _options.TickMs))
        {
            var command = new Command
            {
                LeaseRevoke = new LeaseRevokeRequest { ID = lease },
                Identity = new AuthIdentity { User = AuthState.Root },
                TimeUnixMs = _options.UnixTimeMs?.Invoke() ?? 0,
            };
            _consensus.Propose(command.ToByteArray());
        }
    }

    private void LoadLeases()
    {
        using var view = Store.OpenView();
        _leases.Load(view.Leases());
    }
}
