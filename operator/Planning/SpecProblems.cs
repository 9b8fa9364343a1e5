using System.Globalization;
using System.Text.RegularExpressions;
using Raft.Operator.Api;
using Raft.Operator.Planning.Objects;
using Raft.Operator.Planning.Observation;

namespace Raft.Operator.Planning;

/// <summary>
/// What is wrong with a spec. The schema refuses most of it, but not on servers without validation rules, nor where the
/// answer depends on what is there already.
/// </summary>
public static partial class SpecProblems
{
    /// <summary>Longest name from which all other names still fit into 63 characters.</summary>
    public const int NameLengthMax = 40;

    /// <summary>Problems that the spec has by itself.</summary>
    public static IReadOnlyList<string> Find(RaftCluster cluster)
    {
        var spec = cluster.Spec;
        List<string> problems = [];
        if (cluster.Metadata.Name.Length > NameLengthMax) problems.Add($"the name has more than {NameLengthMax} characters");
        if (spec.Replicas < 1) problems.Add("spec.replicas must be at least 1");
        if (string.IsNullOrWhiteSpace(spec.Image)) problems.Add("spec.image is empty");
        if (string.IsNullOrWhiteSpace(spec.Version)) problems.Add("spec.version is empty");
        if (!StorageSize().IsMatch(spec.Storage.Size)) problems.Add($"spec.storage.size {spec.Storage.Size} is not an amount such as 8Gi");
        foreach (var (kind, amounts) in new[] { ("requests", spec.Resources?.Requests), ("limits", spec.Resources?.Limits) })
            foreach (var (name, amount) in amounts ?? new Dictionary<string, string>())
                if (!Amount().IsMatch(amount)) problems.Add($"spec.resources.{kind}.{name} {amount} is not an amount");
        if (spec.ServerOptions is { } options) problems.AddRange(OptionProblems(options));
        var named = new[] { spec.Tls.ServerSecretName, spec.Tls.PeerSecretName, spec.Tls.OperatorSecretName }.Count(name => name is not null);
        if (named is not (0 or 3)) problems.Add("spec.tls must name all three secrets or none");
        return problems;
    }

    /// <summary>Problems that the spec has with what is there already: what cannot be changed in a running cluster.</summary>
    public static IEnumerable<string> FindAgainst(DesiredState desired, ClusterObservation observation)
    {
        if (observation.StatefulSet is not { } statefulSet || !Ownership.IsOurs(statefulSet, desired.Uid)) yield break;
        var spec = desired.Cluster.Spec;
        if (StatefulSetBuilder.ClaimSize(statefulSet) is { } size && size.ToDecimal() > desired.StorageSize.ToDecimal())
            yield return $"spec.storage.size cannot shrink from {size} to {spec.Storage.Size}";
        // A class that the spec leaves out is filled in by Kubernetes in the claims, never in the template.
        if (StatefulSetBuilder.StorageClass(statefulSet) is var existing && existing != spec.Storage.StorageClassName)
            yield return $"spec.storage.storageClassName cannot change from {existing ?? "the default"} to {spec.Storage.StorageClassName ?? "the default"}";
        var encrypted = statefulSet.Spec.Template?.Spec?.Containers?.FirstOrDefault(container => container.Name == ClusterNames.Container)?
            .Args?.Any(flag => flag.StartsWith("--listen-peer-urls=https", StringComparison.Ordinal));
        if (encrypted is { } was && was != spec.Tls.Enabled) yield return "spec.tls.enabled cannot be changed in a running cluster";
    }

    private static IEnumerable<string> OptionProblems(ServerOptionsSpec options)
    {
        foreach (var name in options.ExtraFlags?.Keys ?? [])
        {
            if (ServerFlags.Reserved.Contains(name.TrimStart('-'))) yield return $"spec.serverOptions.extraFlags.{name} is set by the operator";
            else if (!FlagName().IsMatch(name)) yield return $"spec.serverOptions.extraFlags.{name} is not the name of a flag";
        }
        var heartbeat = options.HeartbeatIntervalMilliseconds ?? ServerOptionsSpec.DefaultHeartbeatIntervalMilliseconds;
        var election = options.ElectionTimeoutMilliseconds ?? ServerOptionsSpec.DefaultElectionTimeoutMilliseconds;
        if (election < 5 * heartbeat)
            yield return string.Create(
                CultureInfo.InvariantCulture, $"the election timeout of {election} ms is less than five heartbeats of {heartbeat} ms");
    }

    [GeneratedRegex(Quantities.StoragePattern)]
    private static partial Regex StorageSize();

    [GeneratedRegex("^([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[mkMGTPE]|[eE][0-9]+)?$")]
    private static partial Regex Amount();

    [GeneratedRegex("^[a-z][a-z0-9-]*$")]
    private static partial Regex FlagName();
}
