using Raft.Simulation.Tests.Checks;
using Raft.Simulation.Tests.Disks;
using Raft.Storage.Log;

namespace Raft.Simulation.Tests.Members;

/// <content>Its disk: slow, failing, full, or with a bit flipped.</content>
internal sealed partial class SimulatedMember
{
    /// <summary>Its log turns bad while it is down: one bit of what was durable before the last sync.</summary>
    public void FlipBit()
    {
        var files = Disk.List().Where(name => name.EndsWith(".log", StringComparison.Ordinal)).ToList();
        if (files is not [.., var last])
            return;
        var name = Random.Pick(files);
        var bytes = Disk[name];
        var end = name == last ? (int)Disk.LastSyncedWriteAt(name) : Array.FindLastIndex(bytes, value => value != 0) + 1;
        if (end <= 0)
            return;
        var bit = Random.Below(end * 8);
        bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        Disk[name] = bytes;
        IsBroken = true;
        _simulator.Trace.Fault(Id, $"{Id} has bit {bit} of {name} flipped");
    }

    /// <summary>How long the next sync takes.</summary>
    public int SyncMilliseconds() =>
        Random.Below(_simulator.SyncMilliseconds + 1) + (int)Math.Max(0, DiskStallsUntil - _simulator.Now);

    /// <summary>Uses the disk: at any operation the power may be cut, or the disk may fail, which stops the member.</summary>
    public void OnDisk(Action use)
    {
        Disk.OnOperation = MayDie;
        try
        {
            use();
        }
        catch (PowerLostException)
        {
            Crash("loses power at its disk");
        }
        catch (IOException error)
        {
            SafetyChecker.Holds(
                IsBroken || error is not (CorruptLogException or ForeignLogException), "Durable log", $"{Id} finds its log damaged: {error.Message}", Id);
            Crash($"cannot use its disk ({error.GetType().Name})");
            return;
        }

        SafetyChecker.Holds(!IsBroken, "Damage is noticed", $"{Id} goes on with a log of which a bit was flipped", Id);
        Disk.OnOperation = static () => { };
    }
}
