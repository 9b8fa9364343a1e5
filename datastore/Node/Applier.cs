using Google.Protobuf;
using Raft.Consensus;
using Raft.KeyValue;
using Raft.KeyValue.Leases;
using Raft.KeyValue.Watching;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.Node;

/// <summary>
/// Applies committed entries to the state: all entries of a call, the applied index and the members in one batch. Answers
/// are given after the batch is written, so that nobody is told of what nobody can read.
/// </summary>
internal sealed class Applier
{
    private readonly KeyValueStore _store;
    private readonly MembershipDirectory _directory;
    private readonly WatchHub _watches;
    private readonly List<(PendingRequest Request, CommandResult Result)> _answers = [];

    internal Applier(KeyValueStore store, MembershipDirectory directory, WatchHub watches)
    {
        _store = store;
        _directory = directory;
        _watches = watches;
        Record = AppliedRecord.Read(store);
        directory.Load(store);
    }

    /// <summary>What the last call did to leases.</summary>
    internal IReadOnlyList<LeaseChange> LeaseChanges { get; private set; } = [];

    /// <summary>How far the state has come.</summary>
    internal AppliedRecord Record { get; private set; }

    /// <summary>After a snapshot replaced the store's content.</summary>
    internal void Reload()
    {
        _store.Reload();
        _directory.Load(_store);
        Record = AppliedRecord.Read(_store);
        _watches.Reloaded();
    }

    /// <returns>Whether members or what is known of them changed.</returns>
    internal bool Apply(IReadOnlyList<LogEntry> entries, ProposalQueue proposals)
    {
        var transaction = _store.Begin();
        var configuration = Record.Configuration;
        var membersChanged = false;
        foreach (var entry in entries)
        {
            Invariant.Holds(entry.Id.Index == Record.Last.Index.Next, $"entries are applied in order, but {entry.Id} follows {Record.Last}");
            Record = Record with { Last = entry.Id };
            var request = proposals.Take(entry.Id);
            if (entry.Kind == EntryKind.ConfigurationChange)
            {
                var change = ConfigurationChange.Decode(entry.Data);
                configuration = configuration.Apply(change);
                _directory.Apply(change, MemberChange.Parser.ParseFrom(change.Context.Span).Member ?? new Member());
                membersChanged = true;
                Answer(request, new CommandResult(ChangeResponse(change), null));
            }
            else if (!entry.Data.IsEmpty)
            {
                var command = request?.Command ?? CommandReader.Read(entry.Data);
                var isOwn = !StoreTransaction.Understands(command);
                membersChanged |= isOwn;
                Answer(request, isOwn ? new CommandResult(ApplyOwn(command), null) : transaction.Apply(command));
            }
        }

        Record = Record with { Configuration = configuration };
        Record.Write(transaction);
        if (membersChanged)
        {
            _directory.Write(transaction);
        }

        transaction.Commit();
        LeaseChanges = transaction.LeaseChanges;
        _watches.Publish(transaction.Events, _store.Revision);
        foreach (var (request, result) in _answers)
        {
            request.Complete(result);
        }

        _answers.Clear();
        return membersChanged;
    }

    /// <summary>Removes some compacted versions from disk; no more than that a turn, so that it never stalls a write.</summary>
    internal void CompactStep(int changesMax)
    {
        if (_store.HasCompactionWork)
        {
            var transaction = _store.Begin();
            transaction.CompactStep(changesMax);
            transaction.Commit();
        }
    }

    private void Answer(PendingRequest? request, CommandResult result)
    {
        if (request is not null)
        {
            _answers.Add((request, result));
        }
    }

    /// <summary>Commands about members: the store does not know them.</summary>
    private IMessage ApplyOwn(Command command)
    {
        switch (command.OperationCase)
        {
            case Command.OperationOneofCase.MemberAttributes:
                var attributes = command.MemberAttributes;
                _directory.Update(attributes.MemberId, member =>
                {
                    member.Name = attributes.Name;
                    member.ClientURLs.Clear();
                    member.ClientURLs.AddRange(attributes.ClientUrls);
                });
                return new MemberListResponse { Members = { _directory.List } };
            case Command.OperationOneofCase.MemberUpdate:
                var update = command.MemberUpdate;
                _directory.Update(update.ID, member =>
                {
                    member.PeerURLs.Clear();
                    member.PeerURLs.AddRange(update.PeerURLs);
                });
                return new MemberUpdateResponse { Members = { _directory.List } };
            default:
                throw new InvariantViolationException(
                    $"This version does not know the command {command.OperationCase} that a newer member wrote. Run the newer version here too.");
        }
    }

    private IMessage ChangeResponse(ConfigurationChange change) => change.Kind switch
    {
        ConfigurationChangeKind.AddLearner or ConfigurationChangeKind.AddVoter => new MemberAddResponse
        {
            Member = _directory.Members[change.Member.Value],
            Members = { _directory.List },
        },
        ConfigurationChangeKind.PromoteLearner => new MemberPromoteResponse { Members = { _directory.List } },
        _ => new MemberRemoveResponse { Members = { _directory.List } },
    };
}
