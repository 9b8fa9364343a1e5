using System.Security.Cryptography;
using System.Text;
using k8s;
using k8s.Models;
using Raft.Operator.Api;
using Raft.Operator.Planning.Certificates;

namespace Raft.Operator.Planning.Objects;

/// <summary>The pod of a member. It passes Kubernetes' `restricted` pod security.</summary>
public static class PodTemplateBuilder
{
    private const long NonRoot = 65532;
    private static readonly string[] SpreadOver = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];
    private const int GroupReadable = 0b100_100_000;

    /// <summary>Builds the template and writes its hash into it.</summary>
    public static V1PodTemplateSpec Build(RaftCluster cluster)
    {
        var labels = new Dictionary<string, string>(cluster.Spec.PodLabels ?? new Dictionary<string, string>());
        foreach (var (key, value) in Labels.All(cluster)) labels[key] = value;
        var template = new V1PodTemplateSpec
        {
            Metadata = new V1ObjectMeta
            {
                Labels = labels,
                Annotations = new Dictionary<string, string>(cluster.Spec.PodAnnotations ?? new Dictionary<string, string>()),
            },
            Spec = PodSpec(cluster),
        };
        template.Metadata.Annotations[Labels.TemplateHash] = Hash(template);
        return template;
    }

    private static string Hash(V1PodTemplateSpec template)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(KubernetesJson.Serialize(template)));
        return Convert.ToHexStringLower(bytes)[..16];
    }

    private static V1PodSpec PodSpec(RaftCluster cluster)
    {
        var spec = cluster.Spec;
        return new V1PodSpec
        {
            ServiceAccountName = ClusterNames.Of(cluster).Cluster,
            AutomountServiceAccountToken = false,
            EnableServiceLinks = false,
            TerminationGracePeriodSeconds = 30,
            PriorityClassName = spec.PriorityClassName,
            ImagePullSecrets = NullIfEmpty(spec.ImagePullSecrets),
            Affinity = spec.Placement?.Affinity,
            Tolerations = NullIfEmpty(spec.Placement?.Tolerations),
            NodeSelector = spec.Placement?.NodeSelector is { Count: > 0 } selector ? selector : null,
            TopologySpreadConstraints = NullIfEmpty(spec.Placement?.TopologySpreadConstraints ?? DefaultSpread(ClusterNames.Of(cluster))),
            SecurityContext = new V1PodSecurityContext
            {
                RunAsNonRoot = true,
                RunAsUser = NonRoot,
                RunAsGroup = NonRoot,
                FsGroup = NonRoot,
                FsGroupChangePolicy = "OnRootMismatch",
                SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
            },
            Containers = [Container(cluster)],
            Volumes = Volumes(cluster),
        };
    }

    private static V1Container Container(RaftCluster cluster) => new()
    {
        Name = ClusterNames.Container,
        Image = $"{cluster.Spec.Image}:{cluster.Spec.Version}",
        ImagePullPolicy = cluster.Spec.ImagePullPolicy,
        Args = [.. ServerFlags.Of(cluster)],
        Env = [FieldVariable("POD_NAME", "metadata.name"), FieldVariable("POD_NAMESPACE", "metadata.namespace")],
        Ports =
        [
            new V1ContainerPort { Name = "client", ContainerPort = ClusterNames.ClientPort, Protocol = "TCP" },
            new V1ContainerPort { Name = "peer", ContainerPort = ClusterNames.PeerPort, Protocol = "TCP" },
            new V1ContainerPort { Name = "metrics", ContainerPort = ClusterNames.MetricsPort, Protocol = "TCP" },
        ],
        Resources = Resources(cluster.Spec.Resources),
        // Recovery of a long log may take minutes: the start-up probe gives it ten before liveness takes over.
        StartupProbe = Probe("/livez", periodSeconds: 2, failures: 300),
        LivenessProbe = Probe("/livez", periodSeconds: 10, failures: 6),
        // What is of the whole cluster, as an alarm or a read that waits for its turn, must not take all members out of the service at
        // once, nor make them look stuck: so it is not etcd's /readyz.
        ReadinessProbe = Probe("/readyz/follows_leader", periodSeconds: 2, failures: 3),
        // SIGTERM hands leadership over, within a bound of the server's own: no preStop hook is needed.
        SecurityContext = new V1SecurityContext
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = true,
            RunAsNonRoot = true,
            Capabilities = new V1Capabilities { Drop = ["ALL"] },
        },
        VolumeMounts =
        [
            new V1VolumeMount { Name = ClusterNames.ClaimTemplate, MountPath = ServerFlags.VolumePath },
            new V1VolumeMount { Name = "tmp", MountPath = "/tmp" },
            .. cluster.Spec.Tls.Enabled
                ? new[]
                {
                    new V1VolumeMount { Name = "server-tls", MountPath = $"{ServerFlags.TlsPath}/server", ReadOnlyProperty = true },
                    new V1VolumeMount { Name = "peer-tls", MountPath = $"{ServerFlags.TlsPath}/peer", ReadOnlyProperty = true },
                }
                : [],
        ],
    };

    private static V1EnvVar FieldVariable(string name, string path) => new()
    {
        Name = name,
        ValueFrom = new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { ApiVersion = "v1", FieldPath = path } },
    };

    private static V1Probe Probe(string path, int periodSeconds, int failures) => new()
    {
        HttpGet = new V1HTTPGetAction { Path = path, Port = "metrics", Scheme = "HTTP" },
        PeriodSeconds = periodSeconds,
        FailureThreshold = failures,
        TimeoutSeconds = 5,
    };

    private static V1ResourceRequirements? Resources(ResourceRequirementsSpec? resources) => resources is null ? null : new()
    {
        Requests = Amounts(resources.Requests),
        Limits = Amounts(resources.Limits),
    };

    private static Dictionary<string, ResourceQuantity>? Amounts(IDictionary<string, string>? amounts) =>
        amounts is { Count: > 0 } ? amounts.ToDictionary(pair => pair.Key, pair => new ResourceQuantity(pair.Value)) : null;

    private static List<V1Volume> Volumes(RaftCluster cluster)
    {
        var certificates = CertificateNames.Of(cluster);
        List<V1Volume> volumes = [new() { Name = "tmp", EmptyDir = new V1EmptyDirVolumeSource() }];
        if (!cluster.Spec.Tls.Enabled) return volumes;
        volumes.Add(SecretVolume("server-tls", certificates.Server));
        volumes.Add(SecretVolume("peer-tls", certificates.Peer));
        return volumes;
    }

    private static V1Volume SecretVolume(string name, string secret) => new()
    {
        Name = name,
        Secret = new V1SecretVolumeSource { SecretName = secret, DefaultMode = GroupReadable },
    };

    private static List<V1TopologySpreadConstraint> DefaultSpread(ClusterNames names) =>
    [
        .. SpreadOver.Select(key => new V1TopologySpreadConstraint
        {
            MaxSkew = 1,
            TopologyKey = key,
            // A member without a node of its own is better than no member.
            WhenUnsatisfiable = "ScheduleAnyway",
            LabelSelector = new V1LabelSelector { MatchLabels = Labels.Selector(names) },
        }),
    ];

    private static IList<T>? NullIfEmpty<T>(IList<T>? list) => list is { Count: > 0 } ? list : null;
}
