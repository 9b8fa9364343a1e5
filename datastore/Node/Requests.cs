using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <content>What clients and other members ask, and where it goes: into the log of a leader, from here or forwarded.</content>
public sealed partial class Node
{
    /// <summary>Has a command replicated and applied. The result is the state machine's, a refusal included.</summary>
    /// <exception cref="RequestRefusedException">The cluster did not answer; see whether it surely was not done.</exception>
    public Task<CommandResult> ProposeAsync(Command command)
    {
        if (command.OperationCase == Command.OperationOneofCase.MemberUpdate)
        {
            return SubmitChange(new ForwardRequest { MemberUpdate = command.MemberUpdate });
        }

        if (command.TimeUnixMs == 0 && _options.UnixTimeMs is { } time)
        {
            command.TimeUnixMs = time();
        }

        return Submit(new PendingRequest(_options.AnswerOptions, _admission, Deadline, command.CalculateSize()) { Command = command });
    }

    /// <summary>Adds a member. The id is chosen here.</summary>
    /// <exception cref="RequestRefusedException">Refused by the rules for members, or no answer.</exception>
    public async Task<MemberAddResponse> AddMemberAsync(MemberAddRequest request) =>
        (MemberAddResponse)(await SubmitChange(new ForwardRequest { MemberAdd = request }).ConfigureAwait(false)).Response!;

    /// <summary>Removes a member, for good.</summary>
    /// <exception cref="RequestRefusedException">Refused by the rules for members, or no answer.</exception>
    public async Task<MemberRemoveResponse> RemoveMemberAsync(MemberRemoveRequest request) =>
        (MemberRemoveResponse)(await SubmitChange(new ForwardRequest { MemberRemove = request }).ConfigureAwait(false)).Response!;

    /// <summary>Makes a learner that has caught up a voter.</summary>
    /// <exception cref="RequestRefusedException">Refused by the rules for members, or no answer.</exception>
    public async Task<MemberPromoteResponse> PromoteMemberAsync(MemberPromoteRequest request) =>
        (MemberPromoteResponse)(await SubmitChange(new ForwardRequest { MemberPromote = request }).ConfigureAwait(false)).Response!;

    /// <summary>Gives a member new peer URLs.</summary>
    /// <exception cref="RequestRefusedException">Refused by the rules for members, or no answer.</exception>
    public async Task<MemberUpdateResponse> UpdateMemberAsync(MemberUpdateRequest request) =>
        (MemberUpdateResponse)(await SubmitChange(new ForwardRequest { MemberUpdate = request }).ConfigureAwait(false)).Response!;

    /// <summary>
    /// Completes once this member has applied every write that was acknowledged, anywhere, before the call
    /// (linearizable reads: Raft thesis, section 6.4). Gives the index that it waited for.
    /// </summary>
    /// <exception cref="RequestRefusedException">No leader confirmed in time.</exception>
    public Task<LogIndex> ReadBarrierAsync() => ReadBarrierAsync(isForwarded: false);

    /// <summary>The same for another member, which waits for its own state itself. Only a leader answers.</summary>
    /// <exception cref="RequestRefusedException">This member does not lead.</exception>
    public Task<LogIndex> ReadIndexAsync() => ReadBarrierAsync(isForwarded: true);

    /// <summary>Completes once no compacted version takes up space any more on this member.</summary>
    public Task CompactionFinishedAsync()
    {
        var finished = new PendingCall<bool>(_options);
        finished.Begin = () => _compactionWaits.Add(finished);
        _inbox.Post(finished);
        return finished.Answer;
    }

    /// <summary>In a turn: a request comes in.</summary>
    internal void TakeRequest(PendingRequest request)
    {
        if (request.IsAnswered)
        {
            return; // given up while it waited to be tried again
        }

        var isNew = request.List is null;
        if (isNew && RefusalOf(request.Command) is { } refusal)
        {
            request.Refuse(refusal);
            return;
        }

        if (isNew)
        {
            _deadlines.Add(request);
        }

        Dispatch(request);
    }

    /// <summary>In a turn: a read comes in.</summary>
    internal void TakeRead(PendingRead read)
    {
        if (RefusalOf(command: null) is { } refusal)
        {
            read.Refuse(refusal);
            return;
        }

        _deadlines.Add(read);
        _reads.Add(read);
    }

    private long Deadline => Volatile.Read(ref _tick) + _options.RequestTicks;

    private Task<CommandResult> SubmitChange(ForwardRequest request) =>
        Submit(new PendingRequest(_options.AnswerOptions, _admission, Deadline, bytes: 0) { MembershipRequest = request });

    private Task<CommandResult> Submit(PendingRequest request) =>
        Admit(request).Answer;

    private Task<LogIndex> ReadBarrierAsync(bool isForwarded) =>
        Admit(new PendingRead(_options, _admission, Deadline) { IsForwarded = isForwarded }).Answer;

    private T Admit<T>(T request)
        where T : PendingAnswer
    {
        if (_admission.TryEnter(request.Bytes))
        {
            request.Admitted();
            _inbox.Post(request);
        }
        else
        {
            request.RefuseUnadmitted(NodeError.TooManyRequests);
        }

        return request;
    }

    /// <summary>
    /// Nothing new is taken while leaving, nor by a member that was removed: whoever asks should ask another at once, rather
    /// than wait for a leader that does not know this member any more. Learners serve no client (etcd: "rpc not supported for learner"), but they tell
    /// their name and raise alarms.
    /// </summary>
    private NodeError? RefusalOf(Command? command)
    {
        if (_isLeaving || IsRemoved(_consensus.Id))
        {
            return NodeError.Stopped;
        }

        var isOwn = command?.OperationCase is Command.OperationOneofCase.MemberAttributes or Command.OperationOneofCase.Alarm;
        return !isOwn && _applier.Record.Configuration.Learners.Contains(_consensus.Id) ? NodeError.NotForLearner : null;
    }

    private void Dispatch(PendingRequest request)
    {
        if (_consensus.Role == Role.Leader)
        {
            ProposeHere(request);
        }
        else if (request.IsForwarded)
        {
            request.Refuse(NodeError.NotLeader, surelyNotDone: true);
        }
        else if (_consensus.Leader != MemberId.None)
        {
            request.IsSent = true;
            _ = ForwardAsync(request, _consensus.Leader);
        }
        else
        {
            _proposals.Hold(request, NodeError.NoLeader);
        }
    }

    private void ProposeHere(PendingRequest request)
    {
        if (request.MembershipRequest is { } membership)
        {
            var decision = _rules.Decide(membership, _consensus.Status);
            if (decision.Error is { } error)
            {
                request.Refuse(error, surelyNotDone: true);
            }
            else if (decision.Change is { } change)
            {
                Proposed(request, _consensus.ProposeChange(change));
            }
            else
            {
                Proposed(request, _consensus.Propose(decision.Command!.ToByteArray()));
            }
        }
        else
        {
            Proposed(request, _consensus.Propose(request.Data));
        }
    }

    private void Proposed(PendingRequest request, ProposalResult result)
    {
        switch (result.Outcome)
        {
            case ProposalOutcome.Accepted:
                _proposals.Appended(request, result.Entry);
                break;
            case ProposalOutcome.LeadershipMoving when !request.IsForwarded:
                _proposals.Hold(request, NodeError.NoLeader);
                break;
            case ProposalOutcome.LeadershipMoving or ProposalOutcome.NotLeader:
                request.Refuse(NodeError.NotLeader, surelyNotDone: true);
                break;
            case ProposalOutcome.Overloaded:
                request.Refuse(NodeError.TooManyRequests, surelyNotDone: true);
                break;
            case ProposalOutcome.ChangeInProgress:
                _proposals.Hold(request, NodeError.ChangeInProgress);
                break;
            default:
                request.Refuse(NodeError.MemberNotFound, surelyNotDone: true);
                break;
        }
    }

    /// <summary>
    /// Tries again what waited for a leader, or for the change of members before it; none of it is in any log. It comes in anew, so
    /// that much of it is taken in more than one turn.
    /// </summary>
    private void SubmitWaiting()
    {
        if (!_proposals.HasWaiting)
        {
            return;
        }

        foreach (var request in _proposals.TakeWaiting())
        {
            _inbox.Post(request);
        }
    }
}
