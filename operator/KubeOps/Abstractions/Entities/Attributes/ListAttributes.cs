namespace KubeOps.Abstractions.Entities.Attributes;

/// <summary>How lists are merged by server-side apply.</summary>
public enum ListType
{
    /// <summary>Replaced whole.</summary>
    Atomic,

    /// <summary>Unique scalars.</summary>
    Set,

    /// <summary>Objects with key fields.</summary>
    Map,
}

/// <summary>How objects are merged by server-side apply.</summary>
public enum MapType
{
    /// <summary>Replaced whole.</summary>
    Atomic,

    /// <summary>Field by field.</summary>
    Granular,
}

/// <summary>x-kubernetes-list-type.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class XListTypeAttribute(ListType listType) : Attribute
{
    /// <summary>The type.</summary>
    public ListType ListType => listType;
}

/// <summary>x-kubernetes-list-map-keys.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class XListMapKeysAttribute(params string[] keys) : Attribute
{
    /// <summary>The fields that name an item.</summary>
    public IReadOnlyList<string> Keys => keys;
}

/// <summary>x-kubernetes-map-type.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class XMapTypeAttribute(MapType mapType) : Attribute
{
    /// <summary>The type.</summary>
    public MapType MapType => mapType;
}
