using System.Globalization;

namespace Raft.Operator.Planning;

/// <summary>Identity of a member: chosen once, never used again after the member was removed. Never 0.</summary>
public readonly record struct MemberId(ulong Value)
{
    /// <summary>Hexadecimal without leading zeros, as etcdctl shows identities.</summary>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="ToString"/> wrote; null if it is anything else.</summary>
    public static MemberId? Parse(string? text) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && value != 0
            ? new MemberId(value)
            : null;
}

/// <summary>Identity of a cluster: chosen once, latched in the resource's status. Never 0.</summary>
public readonly record struct ClusterId(ulong Value)
{
    /// <summary>Hexadecimal without leading zeros.</summary>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="ToString"/> wrote; null if it is anything else.</summary>
    public static ClusterId? Parse(string? text) => MemberId.Parse(text) is { } id ? new ClusterId(id.Value) : null;
}
