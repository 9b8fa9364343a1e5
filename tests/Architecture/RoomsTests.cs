namespace Raft.Architecture.Tests;

/// <summary>The arrows of <c>docs/architecture.md</c> are the only dependencies there are.</summary>
public sealed class RoomsTests
{
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Raft.Protocol"] = [],
        ["Raft.Consensus"] = [],
        ["Raft.KeyValue"] = ["Raft.Protocol"],
        ["Raft.Node"] = ["Raft.Consensus", "Raft.KeyValue"],
        ["Raft.Storage"] = ["Raft.Node"],
        ["Raft.Transport"] = ["Raft.Node", "Raft.Protocol"],
        ["Raft.Server"] = ["Raft.Node", "Raft.Storage", "Raft.Transport", "Raft.Protocol"],
        ["Raft.Operator.KubeOps"] = [],
        ["Raft.Operator.Api"] = ["Raft.Operator.KubeOps"],
        ["Raft.Operator.Planning"] = ["Raft.Operator.Api"],
        ["Raft.Operator.Effects"] = ["Raft.Operator.Planning", "Raft.Operator.KubeOps", "Raft.Protocol"],
        ["Raft.Operator.Host"] = ["Raft.Operator.Effects", "Raft.Operator.Planning", "Raft.Operator.Api", "Raft.Operator.KubeOps"],
    };

    [Fact]
    public void Every_room_depends_on_what_its_arrows_say()
    {
        var actual = Repository.Projects().ToDictionary(
            Repository.NameOf, project => Repository.References(project, "ProjectReference").Order().ToArray());

        Assert.Equal(Arrows.Keys.Order(), actual.Keys.Order());
        foreach (var (room, arrows) in Arrows)
            Assert.True(arrows.Order().SequenceEqual(actual[room]), $"{room} depends on: {string.Join(", ", actual[room])}");
    }

    [Theory]
    [InlineData("Raft.Consensus")]
    [InlineData("Raft.KeyValue")]
    [InlineData("Raft.Node")]
    public void The_core_needs_no_package(string room)
    {
        var project = Repository.Projects().Single(project => Repository.NameOf(project) == room);

        Assert.Empty(Repository.References(project, "PackageReference"));
    }
}
