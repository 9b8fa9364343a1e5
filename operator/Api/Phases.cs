namespace Raft.Operator.Api;

/// <summary>One word for what the cluster is doing, for people; programs should read the conditions.</summary>
public static class Phases
{
    /// <summary>Nothing has been seen yet.</summary>
    public const string Pending = "Pending";

    /// <summary>Objects are being made and the first member is being told who it is.</summary>
    public const string Creating = "Creating";

    /// <summary>All is as asked.</summary>
    public const string Running = "Running";

    /// <summary>Members are being added or removed, because the number asked for differs.</summary>
    public const string Scaling = "Scaling";

    /// <summary>Pods are being replaced one by one with the newest template.</summary>
    public const string Updating = "Updating";

    /// <summary>A member is being replaced.</summary>
    public const string Healing = "Healing";

    /// <summary>Requests are served, but fewer members are healthy than asked for.</summary>
    public const string Degraded = "Degraded";

    /// <summary>Nothing can be written.</summary>
    public const string QuorumLost = "QuorumLost";

    /// <summary>The operator was told to change nothing.</summary>
    public const string Paused = "Paused";

    /// <summary>The spec makes no sense; nothing is changed.</summary>
    public const string Invalid = "Invalid";

    /// <summary>The resource is being deleted.</summary>
    public const string Deleting = "Deleting";
}
