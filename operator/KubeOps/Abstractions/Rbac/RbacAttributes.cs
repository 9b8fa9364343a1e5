namespace KubeOps.Abstractions.Rbac;

/// <summary>What may be done with a resource.</summary>
[Flags]
public enum RbacVerb
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Everything, as the wildcard.</summary>
    All = 1 << 0,

    /// <summary>Read one.</summary>
    Get = 1 << 1,

    /// <summary>Read many.</summary>
    List = 1 << 2,

    /// <summary>Follow changes.</summary>
    Watch = 1 << 3,

    /// <summary>Create.</summary>
    Create = 1 << 4,

    /// <summary>Replace.</summary>
    Update = 1 << 5,

    /// <summary>Change parts.</summary>
    Patch = 1 << 6,

    /// <summary>Delete.</summary>
    Delete = 1 << 7,

    /// <summary>Everything, verb by verb.</summary>
    AllExplicit = Get | List | Watch | Create | Update | Patch | Delete,
}

/// <summary>The operator's rights on Kubernetes types.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class EntityRbacAttribute(params Type[] entities) : Attribute
{
    /// <summary>The types.</summary>
    public IReadOnlyList<Type> Entities => entities;

    /// <summary>What may be done.</summary>
    public RbacVerb Verbs { get; init; }
}

/// <summary>The operator's rights on resources by name.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class GenericRbacAttribute : Attribute
{
    /// <summary>API groups.</summary>
    public string[] Groups { get; init; } = [];

    /// <summary>Resources and subresources.</summary>
    public string[] Resources { get; init; } = [];

    /// <summary>Paths that are no resources.</summary>
    public string[] Urls { get; init; } = [];

    /// <summary>What may be done.</summary>
    public RbacVerb Verbs { get; init; }
}
