namespace KubeOps.Abstractions.Entities.Attributes;

/// <summary>Where a resource lives.</summary>
public enum EntityScope
{
    /// <summary>In a namespace.</summary>
    Namespaced,

    /// <summary>In none.</summary>
    Cluster,
}

/// <summary>Where the resource lives; in a namespace if this is absent.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class EntityScopeAttribute(EntityScope scope = EntityScope.Namespaced) : Attribute
{
    /// <summary>The scope.</summary>
    public EntityScope Scope => scope;
}

/// <summary>Short names for kubectl.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class KubernetesEntityShortNamesAttribute(params string[] shortNames) : Attribute
{
    /// <summary>The names.</summary>
    public IReadOnlyList<string> ShortNames => shortNames;
}

/// <summary>The version in which objects are stored, where there are several.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class StorageVersionAttribute : Attribute;

/// <summary>Lets `kubectl scale` and autoscalers work on the resource.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ScaleSubresourceAttribute(string specReplicasPath, string statusReplicasPath, string? labelSelectorPath = null)
    : Attribute
{
    /// <summary>Path of the number asked for.</summary>
    public string SpecReplicasPath => specReplicasPath;

    /// <summary>Path of the number found.</summary>
    public string StatusReplicasPath => statusReplicasPath;

    /// <summary>Path of the pods' label selector, as a string.</summary>
    public string? LabelSelectorPath => labelSelectorPath;
}

/// <summary>When a column is shown.</summary>
public enum PrinterColumnPriority
{
    /// <summary>Always.</summary>
    StandardView,

    /// <summary>With -o wide.</summary>
    WideView,
}

/// <summary>Shows this property as a column of `kubectl get`.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AdditionalPrinterColumnAttribute(
    PrinterColumnPriority priority = PrinterColumnPriority.StandardView, string? name = null) : Attribute
{
    /// <summary>When it is shown.</summary>
    public PrinterColumnPriority Priority => priority;

    /// <summary>Heading; the property's name if null.</summary>
    public string? Name => name;
}

/// <summary>Shows what a JSON path finds as a column of `kubectl get`.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class GenericAdditionalPrinterColumnAttribute(string jsonPath, string name, string type) : Attribute
{
    /// <summary>The path.</summary>
    public string JsonPath => jsonPath;

    /// <summary>The heading.</summary>
    public string Name => name;

    /// <summary>An OpenAPI type, or date.</summary>
    public string Type => type;

    /// <summary>Text that explains the column.</summary>
    public string? Description { get; init; }

    /// <summary>An OpenAPI format.</summary>
    public string? Format { get; init; }

    /// <summary>When it is shown.</summary>
    public PrinterColumnPriority Priority { get; init; }
}

/// <summary>A rule in CEL that the API server checks (x-kubernetes-validations; ignored by servers that do not know it).</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, AllowMultiple = true)]
public sealed class ValidationRuleAttribute(
    string rule, string? fieldPath = null, string? message = null, string? messageExpression = null, string? reason = null) : Attribute
{
    /// <summary>The expression; it holds for what is allowed.</summary>
    public string Rule => rule;

    /// <summary>The field to blame.</summary>
    public string? FieldPath => fieldPath;

    /// <summary>What a user is told.</summary>
    public string? Message => message;

    /// <summary>An expression that gives what a user is told.</summary>
    public string? MessageExpression => messageExpression;

    /// <summary>A machine-readable reason.</summary>
    public string? Reason => reason;
}
