using System.Reflection;

namespace Raft.Server;

/// <summary>The two versions that a member has.</summary>
internal static class ProductVersion
{
    /// <summary>The etcd API that is spoken: clients turn features on by it.</summary>
    public const string EtcdApi = "3.5.21";

    /// <summary>The version that a cluster of such members has as a whole, and its storage.</summary>
    public const string EtcdCluster = "3.5.0";

    /// <summary>The only version that a downgrade may name.</summary>
    public const string EtcdBefore = "3.4.0";

    /// <summary>This software's.</summary>
    public static string Own { get; } = typeof(ProductVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
