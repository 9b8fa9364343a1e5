using System.Reflection;

namespace Raft.Server;

/// <summary>The two versions that a member has.</summary>
internal static class ProductVersion
{
    /// <summary>The etcd API that is spoken: clients turn features on by it.</summary>
    public const string EtcdApi = "3.5.21";

    /// <summary>This software's.</summary>
    public static string Own { get; } = typeof(ProductVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
