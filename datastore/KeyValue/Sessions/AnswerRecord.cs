using Google.Protobuf;
using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Sessions;

/// <summary>An answer in the form in which it is kept for a retry.</summary>
internal static class AnswerRecord
{
    public static byte[] Encode(CommandResult result, Command.OperationOneofCase operation, int maxBytes)
    {
        var kept = new KeptAnswer { Operation = (uint)operation };
        switch (result.Response)
        {
            case null: kept.Refusal = new KeptRefusal { Code = (uint)result.Error!.Kind, Message = result.Error.Message }; break;
            case PutResponse put: kept.Put = put; break;
            case DeleteRangeResponse delete: kept.DeleteRange = delete; break;
            case TxnResponse txn: kept.Txn = txn; break;
            case CompactionResponse compact: kept.Compact = compact; break;
            case AlarmResponse alarm: kept.Alarm = alarm; break;
            case LeaseGrantResponse grant: kept.LeaseGrant = grant; break;
            case LeaseRevokeResponse revoke: kept.LeaseRevoke = revoke; break;
            case DowngradeResponse downgrade: kept.Downgrade = downgrade; break;
            case var _ when AuthTable.Understands(operation): kept.AuthChanged = true; break;
            default: throw new NotSupportedException($"There is no way to keep a {result.Response.Descriptor.Name}.");
        }
        if (kept.CalculateSize() > maxBytes) kept.TooLargeAtRevision = RevisionOf(kept);
        return kept.ToByteArray();
    }

    /// <summary>The first answer, or the refusal that is due instead.</summary>
    public static CommandResult Decode(ReadOnlySpan<byte> encoded, Command.OperationOneofCase operation)
    {
        var kept = KeptAnswer.Parser.ParseFrom(encoded);
        if (kept.Operation != (uint)operation) return new(null, StoreError.SequenceReused);
        return kept.AnswerCase switch
        {
            KeptAnswer.AnswerOneofCase.Put => new(kept.Put, null),
            KeptAnswer.AnswerOneofCase.DeleteRange => new(kept.DeleteRange, null),
            KeptAnswer.AnswerOneofCase.Txn => new(kept.Txn, null),
            KeptAnswer.AnswerOneofCase.Compact => new(kept.Compact, null),
            KeptAnswer.AnswerOneofCase.Alarm => new(kept.Alarm, null),
            KeptAnswer.AnswerOneofCase.LeaseGrant => new(kept.LeaseGrant, null),
            KeptAnswer.AnswerOneofCase.LeaseRevoke => new(kept.LeaseRevoke, null),
            KeptAnswer.AnswerOneofCase.Downgrade => new(kept.Downgrade, null),
            KeptAnswer.AnswerOneofCase.AuthChanged => new(AuthTable.AnswerTo(operation), null),
            KeptAnswer.AnswerOneofCase.Refusal => new(null, new StoreError((StoreErrorKind)kept.Refusal.Code, kept.Refusal.Message)),
            KeptAnswer.AnswerOneofCase.TooLargeAtRevision => new(null, StoreError.AnswerTooLarge(kept.TooLargeAtRevision)),
            _ => throw new InvalidDataException($"A kept answer is of the unknown kind {kept.AnswerCase}."),
        };
    }

    private static long RevisionOf(KeptAnswer kept) => kept.AnswerCase switch
    {
        KeptAnswer.AnswerOneofCase.Put => kept.Put.Header.Revision,
        KeptAnswer.AnswerOneofCase.DeleteRange => kept.DeleteRange.Header.Revision,
        KeptAnswer.AnswerOneofCase.Txn => kept.Txn.Header.Revision,
        _ => 0,
    };
}
