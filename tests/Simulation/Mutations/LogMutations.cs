using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Simulation.Tests.Disks;
using Raft.Storage.Disk;

namespace Raft.Simulation.Tests.Mutations;

/// <summary>Rules of the write-ahead log and of its recovery, broken one at a time.</summary>
internal static class LogMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("a sync of the log does nothing", new SyncsNothing()),
        new("new segments are not synced into their folder", new SyncsNoNames()),
        new("a write is reported before it is on disk", new ReportsTooEarly()),
        new("the log keeps entries that were replaced", new KeepsReplacedEntries()),
        new("recovery drops the last entry", new DropsLastEntry()),
        new("recovery forgets the vote", new ForgetsVote()),
        new("recovery goes back to the term of the last entry", new ForgetsTerm()),
    ];

    private sealed class SyncsNothing : Parts
    {
        public override IDisk Disk(IDisk disk) => new OtherDisk(disk) { Syncs = false };
    }

    private sealed class SyncsNoNames : Parts
    {
        public override IDisk Disk(IDisk disk) => new OtherDisk(disk) { SyncsNames = false };
    }

    private sealed class ReportsTooEarly : Parts
    {
        public override IWriteAheadLog Log(SimulatedLog log) => new EarlyLog(log);
    }

    private sealed class KeepsReplacedEntries : Parts
    {
        public override IWriteAheadLog Log(SimulatedLog log) => new KeepingLog(log);
    }

    private sealed class DropsLastEntry : Parts
    {
        public override RecoveredLog Recovered(RecoveredLog log) => log with { Entries = [.. log.Entries.SkipLast(1)] };
    }

    private sealed class ForgetsVote : Parts
    {
        public override RecoveredLog Recovered(RecoveredLog log) => log with { HardState = log.HardState with { Vote = MemberId.None } };
    }

    private sealed class ForgetsTerm : Parts
    {
        public override RecoveredLog Recovered(RecoveredLog log) => log.Entries is [.., var last]
            ? log with { HardState = new HardState(last.Id.Term, MemberId.None, log.HardState.Commit) }
            : log;
    }

    private sealed class OtherDisk(IDisk disk) : IDisk
    {
        public bool Syncs { get; init; } = true;

        public bool SyncsNames { get; init; } = true;

        public IReadOnlyList<string> List() => disk.List();

        public string Describe(string name) => disk.Describe(name);

        public IDiskFile Create(string name, long lengthBytes) => new OtherFile(disk.Create(name, lengthBytes), Syncs);

        public IDiskFile Open(string name) => new OtherFile(disk.Open(name), Syncs);

        public void Rename(string from, string to) => disk.Rename(from, to);

        public void Delete(string name) => disk.Delete(name);

        public void SyncNames()
        {
            if (SyncsNames)
                disk.SyncNames();
        }
    }

    private sealed class OtherFile(IDiskFile file, bool syncs) : IDiskFile
    {
        public long LengthBytes => file.LengthBytes;

        public int Read(long offset, Span<byte> buffer) => file.Read(offset, buffer);

        public void Write(long offset, ReadOnlySpan<byte> bytes) => file.Write(offset, bytes);

        public void Sync()
        {
            if (syncs)
                file.Sync();
        }

        public void SetLength(long lengthBytes) => file.SetLength(lengthBytes);

        public void Dispose() => file.Dispose();
    }

    private sealed class EarlyLog(SimulatedLog log) : IWriteAheadLog
    {
        public void Append(LogWrite write, Action<LogWrite, Exception?> completed)
        {
            log.Append(write, static (_, _) => { });
            completed(write, null);
        }

        public void DiscardUpTo(EntryId last) => log.DiscardUpTo(last);
    }

    private sealed class KeepingLog(SimulatedLog log) : IWriteAheadLog
    {
        public void Append(LogWrite write, Action<LogWrite, Exception?> completed)
        {
            var keeps = write.Snapshot is null && write.Entries is [var first, ..] && first.Id.Index <= log.Last.Index;
            log.Append(keeps ? write with { Entries = [] } : write, (_, failure) => completed(write, failure));
        }

        public void DiscardUpTo(EntryId last) => log.DiscardUpTo(last);
    }
}
