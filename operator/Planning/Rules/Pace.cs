namespace Raft.Operator.Planning.Rules;

/// <summary>How long to wait before looking again. Changes of pods and claims wake the operator earlier; members do not.</summary>
public static class Pace
{
    /// <summary>Something that takes a moment: a catch-up, an election, a member starting.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    /// <summary>Something outside that Kubernetes will tell us about.</summary>
    public static readonly TimeSpan Later = TimeSpan.FromSeconds(10);

    /// <summary>Something that a person has to do.</summary>
    public static readonly TimeSpan Rarely = TimeSpan.FromMinutes(1);

    /// <summary>How long a new pod is given to come back before it counts as stuck.</summary>
    public static readonly TimeSpan ComeBack = TimeSpan.FromSeconds(60);

    /// <summary>How long a certificate or authority is given to reach every member: kubelets refresh mounted Secrets within two minutes.</summary>
    public static readonly TimeSpan SecretPropagation = TimeSpan.FromMinutes(5);
}
