namespace KubeOps.Abstractions.Entities.Attributes;

/// <summary>Text that `kubectl explain` shows.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Class)]
public sealed class DescriptionAttribute(string description) : Attribute
{
    /// <summary>The text.</summary>
    public string Description => description;
}

/// <summary>The field must be given.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RequiredAttribute : Attribute;

/// <summary>A regular expression (RE2) that a string must match.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PatternAttribute(string regexPattern) : Attribute
{
    /// <summary>The expression.</summary>
    public string RegexPattern => regexPattern;
}

/// <summary>Bounds of a string's length in characters; -1 is no bound.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class LengthAttribute(long minLength = -1, long maxLength = -1) : Attribute
{
    /// <summary>Fewest characters.</summary>
    public long? MinLength => minLength < 0 ? null : minLength;

    /// <summary>Most characters.</summary>
    public long? MaxLength => maxLength < 0 ? null : maxLength;
}

/// <summary>Bounds of a list's length; -1 is no bound.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ItemsAttribute(long minItems = -1, long maxItems = -1) : Attribute
{
    /// <summary>Fewest items.</summary>
    public long? MinItems => minItems < 0 ? null : minItems;

    /// <summary>Most items.</summary>
    public long? MaxItems => maxItems < 0 ? null : maxItems;
}

/// <summary>Least value of a number.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RangeMinimumAttribute(double minimum, bool exclusiveMinimum = false) : Attribute
{
    /// <summary>The bound.</summary>
    public double Minimum => minimum;

    /// <summary>Whether the bound itself is not allowed.</summary>
    public bool ExclusiveMinimum => exclusiveMinimum;
}

/// <summary>Greatest value of a number.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RangeMaximumAttribute(double maximum, bool exclusiveMaximum = false) : Attribute
{
    /// <summary>The bound.</summary>
    public double Maximum => maximum;

    /// <summary>Whether the bound itself is not allowed.</summary>
    public bool ExclusiveMaximum => exclusiveMaximum;
}

/// <summary>What the API server fills in when the field is absent.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DefaultValueAttribute(object value) : Attribute
{
    /// <summary>The value.</summary>
    public object Value => value;
}

/// <summary>The only values allowed.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class EnumValuesAttribute(params string[] values) : Attribute
{
    /// <summary>The values.</summary>
    public IReadOnlyList<string> Values => values;
}

/// <summary>A value as people would write it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ExampleAttribute(object value) : Attribute
{
    /// <summary>The value.</summary>
    public object Value => value;
}

/// <summary>An OpenAPI format, such as date-time.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FormatAttribute(string format) : Attribute
{
    /// <summary>The format.</summary>
    public string Format => format;
}

/// <summary>Fields that the schema does not name are kept.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Class)]
public sealed class PreserveUnknownFieldsAttribute : Attribute;

/// <summary>The value is a whole Kubernetes object.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class EmbeddedResourceAttribute : Attribute;

/// <summary>The property is no part of the schema.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class IgnoreAttribute : Attribute;
