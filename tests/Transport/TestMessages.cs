using Raft.Consensus;

namespace Raft.Transport.Tests;

internal static class TestMessages
{
    public static readonly MemberId One = new(0x1111);
    public static readonly MemberId Two = new(0x2222);

    public static PeerOptions Options(MemberId self, ulong cluster = 7) => new()
    {
        ClusterId = cluster,
        Self = self,
        BackoffMin = TimeSpan.FromMilliseconds(10),
        BackoffMax = TimeSpan.FromMilliseconds(100),
    };

    public static Message Heartbeat(ulong number) => new()
    {
        Kind = MessageKind.HeartbeatRequest,
        From = One,
        To = Two,
        Term = new(1),
        Context = number,
    };

    public static Message Append(ulong index, byte[] data) => new()
    {
        Kind = MessageKind.AppendRequest,
        From = One,
        To = Two,
        Term = new(3),
        Log = new(new(2), new(index - 1)),
        Commit = new(index - 1),
        Entries = [new(new(new(3), new(index)), EntryKind.Command, data)],
    };

    public static Message Snapshot(ulong index) => new()
    {
        Kind = MessageKind.SnapshotRequest,
        From = One,
        To = Two,
        Term = new(3),
        Snapshot = new(new(new(2), new(index)), new([One, Two], [new(5)])),
    };
}
