using Raft.Robustness.Tests.Testbed;

namespace Raft.Robustness.Tests.Faults;

/// <summary>One way in which the world fails, and how it mends.</summary>
/// <param name="Name">What it is, for the schedule.</param>
/// <param name="Strike">Makes it happen.</param>
/// <param name="Mend">Undoes it.</param>
internal sealed record Fault(string Name, Func<Victims, Task> Strike, Func<Victims, Task> Mend)
{
    /// <summary>Whether it changes who is a member, of which one at a time is enough.</summary>
    public bool ChangesMembers { get; init; }
}

/// <summary>Whom a fault concerns.</summary>
/// <param name="Cluster">Where it happens.</param>
/// <param name="Target">The one that it happens to.</param>
/// <param name="Strength">How bad it is, from 0 to 99; what that means is for the fault to say.</param>
internal sealed record Victims(TestCluster Cluster, Member Target, int Strength)
{
    /// <summary>The members that nothing happens to.</summary>
    public IEnumerable<Member> Others => Cluster.Members.Where(member => member != Target);
}

/// <summary>A fault with everything that the seed decides about it.</summary>
internal sealed record PlannedFault(Fault Fault, bool HitsLeader, int Place, int Strength, TimeSpan Length)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Fault.Name} ({(HitsLeader ? "leader" : "any")}, strength {Strength}, {Length.TotalSeconds:F1} s)";
}
