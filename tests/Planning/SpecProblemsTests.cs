using Raft.Operator.Api;

namespace Raft.Operator.Planning.Tests;

/// <summary>What a server's schema may have let through is found here, and said so that a person can mend it.</summary>
public sealed class SpecProblemsTests
{
    public static TheoryData<string, string> Wrong => new()
    {
        { "replicas", "spec.replicas must be at least 1" },
        { "image", "spec.image is empty" },
        { "version", "spec.version is empty" },
        { "size", "spec.storage.size 8 Gi is not an amount such as 8Gi" },
        { "memory", "spec.resources.limits.memory much is not an amount" },
        { "secrets", "spec.tls must name all three secrets or none" },
        { "reserved flag", "spec.serverOptions.extraFlags.--name is set by the operator" },
        { "flag that would keep the operator out", "spec.serverOptions.extraFlags.client-cert-allowed-hostname is set by the operator" },
        { "flag", "spec.serverOptions.extraFlags.a b is not the name of a flag" },
        { "both times", "the election timeout of 499 ms is less than five heartbeats of 100 ms" },
        { "heartbeat alone", "the election timeout of 1000 ms is less than five heartbeats of 201 ms" },
        { "election timeout alone", "the election timeout of 499 ms is less than five heartbeats of 100 ms" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_spec_that_makes_no_sense_is_explained(string what, string problem) =>
        Assert.Equal([problem], SpecProblems.Find(Given.Cluster(change: spec => Spoil(spec, what))));

    [Fact]
    public void A_plain_spec_has_no_problem() => Assert.Empty(SpecProblems.Find(Given.Cluster()));

    private static void Spoil(RaftClusterSpec spec, string what)
    {
        switch (what)
        {
            case "replicas":
                spec.Replicas = 0;
                break;
            case "image":
                spec.Image = " ";
                break;
            case "version":
                spec.Version = "";
                break;
            case "size":
                spec.Storage.Size = "8 Gi";
                break;
            case "memory":
                spec.Resources = new ResourceRequirementsSpec { Limits = new Dictionary<string, string> { ["memory"] = "much" } };
                break;
            case "secrets":
                spec.Tls.ServerSecretName = "mine";
                break;
            case "reserved flag":
                spec.ServerOptions = new ServerOptionsSpec { ExtraFlags = new Dictionary<string, string> { ["--name"] = "x" } };
                break;
            case "flag that would keep the operator out":
                spec.ServerOptions = new ServerOptionsSpec { ExtraFlags = new Dictionary<string, string> { ["client-cert-allowed-hostname"] = "x" } };
                break;
            case "flag":
                spec.ServerOptions = new ServerOptionsSpec { ExtraFlags = new Dictionary<string, string> { ["a b"] = "x" } };
                break;
            case "both times":
                spec.ServerOptions = new ServerOptionsSpec { HeartbeatIntervalMilliseconds = 100, ElectionTimeoutMilliseconds = 499 };
                break;
            case "heartbeat alone":
                spec.ServerOptions = new ServerOptionsSpec { HeartbeatIntervalMilliseconds = 201 };
                break;
            default:
                spec.ServerOptions = new ServerOptionsSpec { ElectionTimeoutMilliseconds = 499 };
                break;
        }
    }
}
