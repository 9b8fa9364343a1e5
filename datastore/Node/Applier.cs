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
    private readonly int _keysPerTurnMax;
    private readonly List<(PendingRequest Request, CommandResult Result)> _answers = [];
    private LongCommand? _long;
    private StoreTransaction? _longApplied;

    internal Applier(KeyValueStore store, MembershipDirectory directory, WatchHub watches, int keysPerTurnMax)
    {
        _keysPerTurnMax = keysPerTurnMax;
        _store = store;
        _directory = directory;
        _watches = watches;
        Record = AppliedRecord.Read(store);
        directory.Load(store);
    }

    /// <summary>What the last call did to leases.</summary>
    internal IReadOnlyList<LeaseChange> LeaseChanges { get; private set; } = [];

    /// <summary>Whether the last call answered requests that other members forwarded: they wait until they have applied them too.</summary>
    internal bool AnsweredOthers { get; private set; }

    /// <summary>How far the state has come.</summary>
    internal AppliedRecord Record { get; private set; }

    /// <summary>
    /// Whether a command that takes long stands before all that is yet to be applied, from when it was found until it is concluded.
    /// </summary>
    internal bool HasLong => _long is not null;

    /// <summary>After a snapshot replaced the store's content.</summary>
    internal void Reload()
    {
        _store.Reload();
        _directory.Load(_store);
        Record = AppliedRecord.Read(_store);
        _watches.Reloaded();
    }

    /// <summary>
    /// Applies entries in one batch, up to the first that takes long: that one waits to be applied alone, by <see cref="RunLong"/>.
    /// </summary>
    /// <returns>How many were applied, and whether members or what is known of them changed.</returns>
    internal (int Applied, bool MembersChanged) Apply(IReadOnlyList<LogEntry> entries, ProposalQueue proposals)
    {
        var transaction = _store.Begin();
        var record = Record;
        var membersChanged = false;
        var applied = 0;
        foreach (var entry in entries)
        {
            var request = proposals.Take(entry.Id);
            if (entry.Kind == EntryKind.ConfigurationChange)
            {
                var change = ConfigurationChange.Decode(entry.Data);
                record = record with { Configuration = record.Configuration.Apply(change) };
                _directory.Apply(change, MemberChange.Parser.ParseFrom(change.Context.Span).Member ?? new Member());
                membersChanged = true;
                Answer(request, new CommandResult(ChangeResponse(change), null));
            }
            else if (!entry.Data.IsEmpty)
            {
                var command = request?.Command ?? CommandReader.Read(entry.Data);
                if (transaction.TakesLong(command, _keysPerTurnMax))
                {
                    _long = new LongCommand(entry, command, request);
                    break;
                }

                var isOwn = !StoreTransaction.Understands(command);
                membersChanged |= isOwn;
                Answer(request, isOwn ? new CommandResult(ApplyOwn(command), null) : transaction.Apply(command));
            }

            record = record.Follow(entry.Id);
            applied++;
        }

        if (membersChanged)
        {
            _directory.Write(transaction);
        }

        if (applied > 0)
        {
            Commit(transaction, record);
            Conclude(transaction, record);
        }

        return (applied, membersChanged);
    }

    /// <summary>
    /// Applies the command that takes long, which changes nothing that turns look at: they may go on, as long as they begin no other
    /// transaction and wait for <see cref="ConcludeLong"/> before they look at how far the state has come.
    /// </summary>
    internal void RunLong()
    {
        var (entry, command, request) = _long!;
        var transaction = _store.Begin();
        Answer(request, transaction.Apply(command));
        Commit(transaction, Record.Follow(entry.Id));
        _longApplied = transaction;
    }

    /// <summary>In a turn, after <see cref="RunLong"/> has ended.</summary>
    /// <returns>What was applied.</returns>
    internal LogEntry ConcludeLong()
    {
        var entry = _long!.Entry;
        Conclude(_longApplied!, Record.Follow(entry.Id));
        (_long, _longApplied) = (null, null);
        return entry;
    }

    private void Commit(StoreTransaction transaction, AppliedRecord record)
    {
        record.Write(transaction);
        transaction.Commit();
        _watches.Publish(transaction.Events, _store.Revision);
    }

    private void Conclude(StoreTransaction transaction, AppliedRecord record)
    {
        Record = record;
        LeaseChanges = transaction.LeaseChanges;
        AnsweredOthers = false;
        foreach (var (request, result) in _answers)
        {
            AnsweredOthers |= request.IsForwarded;
            request.Complete(result);
        }

        _answers.Clear();
    }

    /// <summary>Removes some compacted versions from disk; no more than that a turn, so that it never stalls a write.</summary>
    internal void CompactStep(int changesMax)
    {
        if (!HasLong && _store.HasCompactionWork)
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

    private sealed record LongCommand(LogEntry Entry, Command Command, PendingRequest? Request);
}
