namespace KubeOps.Abstractions.Entities.Attributes;

/// <summary>Where more is written about the field.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ExternalDocsAttribute(string url, string? description = null) : Attribute
{
    /// <summary>The address.</summary>
    public string Url => url;

    /// <summary>What is found there.</summary>
    public string? Description => description;
}
