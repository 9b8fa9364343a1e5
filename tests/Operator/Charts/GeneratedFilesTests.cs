using Raft.Operator.Host.Options;

namespace Raft.Operator.Host.Tests.Charts;

public sealed class GeneratedFilesTests
{
    public static TheoryData<string> Paths => [.. GeneratedFiles.All().Select(file => file.Path)];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task What_is_generated_from_the_entity_types_is_not_stale(string path)
    {
        var expected = GeneratedFiles.All().Single(file => file.Path == path).Content;
        var actual = await File.ReadAllTextAsync(Repository.Find(path), TestContext.Current.CancellationToken);
        Assert.True(expected == actual, $"{path} is stale: run `make crds` and commit what it writes");
    }

    [Fact]
    public void Nothing_lies_in_crds_that_is_not_generated() =>
        Assert.Equal(
            GeneratedFiles.All().Select(file => file.Path).Where(path => path.StartsWith("crds/", StringComparison.Ordinal)),
            Directory.GetFiles(Repository.Find("crds")).Select(path => $"crds/{Path.GetFileName(path)}"));
}
