using Raft.EndToEnd.Tests.Environment;

namespace Raft.EndToEnd.Tests.Scenarios;

/// <summary>A cluster of three that the tests of one class share; each test leaves it with three members in order.</summary>
public class RunningCluster(EndToEndEnvironment environment) : IAsyncLifetime
{
    private static int _made;

    internal EndToEndEnvironment Environment { get; } = environment;

    internal RaftClusterUnderTest Cluster { get; } = new(environment, $"shared-{Interlocked.Increment(ref _made)}");

    public async ValueTask InitializeAsync()
    {
        try
        {
            await Cluster.CreateAsync(3);
        }
        catch (Exception exception)
        {
            await new Diagnostics(Environment).DumpAsync($"creating {Cluster.Name}", exception);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.DeleteAsync();
        GC.SuppressFinalize(this);
    }
}
