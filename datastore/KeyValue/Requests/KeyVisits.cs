using Google.Protobuf;
using Google.Protobuf.Collections;
using Raft.KeyValue.Leases;
using Raft.KeyValue.Reading;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.Protocol.Etcd.RequestOp;

namespace Raft.KeyValue.Requests;

/// <summary>
/// Tells commands that look at many keys from the rest before they are applied, by counting the keys up to a bound: the ranges that
/// they read or delete, in both branches of a transaction, and what hangs on a lease that ends. Single keys do not count.
/// </summary>
internal static class KeyVisits
{
    /// <summary>Whether the command may look at more than so many keys of its ranges.</summary>
    public static bool Exceed(Command command, IStateReader reader, int max)
    {
        var left = max;
        switch (command.OperationCase)
        {
            case Command.OperationOneofCase.DeleteRange:
                Count(command.DeleteRange.Key, command.DeleteRange.RangeEnd, reader, ref left);
                break;
            case Command.OperationOneofCase.Txn:
                Count(command.Txn, reader, ref left);
                break;
            case Command.OperationOneofCase.LeaseRevoke:
                left -= LeaseTable.CountKeys(reader, command.LeaseRevoke.ID, left + 1);
                break;
        }
        return left < 0;
    }

    private static void Count(TxnRequest request, IStateReader reader, ref int left)
    {
        foreach (var compare in request.Compare) Count(compare.Key, compare.RangeEnd, reader, ref left);
        Count(request.Success, reader, ref left);
        Count(request.Failure, reader, ref left);
    }

    private static void Count(RepeatedField<RequestOp> operations, IStateReader reader, ref int left)
    {
        for (var i = 0; i < operations.Count && left >= 0; i++)
        {
            switch (operations[i].RequestCase)
            {
                case RequestOneofCase.RequestRange:
                    Count(operations[i].RequestRange.Key, operations[i].RequestRange.RangeEnd, reader, ref left);
                    break;
                case RequestOneofCase.RequestDeleteRange:
                    Count(operations[i].RequestDeleteRange.Key, operations[i].RequestDeleteRange.RangeEnd, reader, ref left);
                    break;
                case RequestOneofCase.RequestTxn:
                    Count(operations[i].RequestTxn, reader, ref left);
                    break;
            }
        }
    }

    private static void Count(ByteString key, ByteString end, IStateReader reader, ref int left)
    {
        var range = new KeyRange(key, end);
        if (range.IsOneKey || range.IsEmpty) return;
        using var scan = new VersionScan(reader, range);
        while (left >= 0 && scan.MoveNext()) left--;
    }
}
