namespace Raft.Node;

/// <summary>The class of a refusal; Server turns it into the gRPC status code of the same name.</summary>
public enum NodeErrorKind
{
    /// <summary>The cluster cannot answer now; the request may or may not have taken effect.</summary>
    Unavailable,

    /// <summary>The cluster's present state forbids it.</summary>
    FailedPrecondition,

    /// <summary>What the request names does not exist.</summary>
    NotFound,

    /// <summary>Too much at once.</summary>
    ResourceExhausted,
}

/// <summary>Why a request was refused, with etcd's text, which clients match.</summary>
/// <param name="Kind">What kind of refusal.</param>
/// <param name="Message">etcd's text, with its prefix.</param>
public sealed record NodeError(NodeErrorKind Kind, string Message)
{
    /// <summary>No member leads, and none was elected in time. A write did not take effect.</summary>
    public static readonly NodeError NoLeader = Unavailable("no leader");

    /// <summary>Another leader took over while the request was under way; its entry was replaced.</summary>
    public static readonly NodeError LeaderChanged = Unavailable("leader changed");

    /// <summary>No answer in time. The request may still take effect.</summary>
    public static readonly NodeError Timeout = Unavailable("request timed out");

    /// <summary>The leader that took the request is gone, and what became of it is not known. It may still take effect.</summary>
    public static readonly NodeError LeaderFailed = Unavailable("request timed out, possibly due to previous leader failure");

    /// <summary>The leader could not be reached, or its answer was lost. The request may have taken effect.</summary>
    public static readonly NodeError ConnectionLost = Unavailable("request timed out, possibly due to connection lost");

    /// <summary>The member is leaving.</summary>
    public static readonly NodeError Stopped = Unavailable("server stopped");

    /// <summary>Too many voters are not heard from for a change of members.</summary>
    public static readonly NodeError Unhealthy = Unavailable("unhealthy cluster");

    /// <summary>Too many requests wait.</summary>
    public static readonly NodeError TooManyRequests = new(NodeErrorKind.ResourceExhausted, "etcdserver: too many requests");

    /// <summary>Only the leader can do this.</summary>
    public static readonly NodeError NotLeader = Precondition("not leader");

    /// <summary>Leadership can only go to a voter.</summary>
    public static readonly NodeError BadTransferee = Precondition("bad leader transferee");

    /// <summary>No such member.</summary>
    public static readonly NodeError MemberNotFound = new(NodeErrorKind.NotFound, "etcdserver: member not found");

    /// <summary>A member with one of these peer URLs exists.</summary>
    public static readonly NodeError PeerUrlExists = Precondition("Peer URLs already exists");

    /// <summary>The change would leave too few started voters for a quorum.</summary>
    public static readonly NodeError NotEnoughStarted = Precondition("re-configuration failed due to not enough started members");

    /// <summary>Another change of members was under way all the time that the request may wait.</summary>
    public static readonly NodeError ChangeInProgress = Unavailable("another membership change is in progress, try again");

    /// <summary>Only learners are promoted.</summary>
    public static readonly NodeError NotLearner = Precondition("can only promote a learner member");

    /// <summary>The learner's log is too far behind.</summary>
    public static readonly NodeError LearnerNotReady = Precondition("can only promote a learner member which is in sync with leader");

    /// <summary>One learner at a time.</summary>
    public static readonly NodeError TooManyLearners = Precondition("too many learner members in cluster");

    /// <summary>Learners do not serve this.</summary>
    public static readonly NodeError NotForLearner = Precondition("rpc not supported for learner");

    /// <summary>A newer member forwarded what this one does not know.</summary>
    public static readonly NodeError UnknownRequest = new(
        NodeErrorKind.FailedPrecondition, "raftserver: the leader runs an older version, which does not know this request");

    /// <summary>The leader's answer does not get to the member that asked. The request may have taken effect.</summary>
    /// <param name="reason">Why not.</param>
    public static NodeError AnswerLost(string reason) =>
        new(NodeErrorKind.Unavailable, $"raftserver: the answer of the leader cannot be passed on: {reason}");

    private static NodeError Unavailable(string text) => new(NodeErrorKind.Unavailable, "etcdserver: " + text);

    private static NodeError Precondition(string text) => new(NodeErrorKind.FailedPrecondition, "etcdserver: " + text);
}

/// <summary>Carries a refusal to whoever awaits the answer.</summary>
/// <param name="error">The refusal.</param>
/// <param name="surelyNotDone">The request did not take effect and never will.</param>
public sealed class RequestRefusedException(NodeError error, bool surelyNotDone = false) : Exception(error.Message)
{
    /// <summary>The refusal.</summary>
    public NodeError Error => error;

    /// <summary>The request did not take effect and never will.</summary>
    public bool SurelyNotDone => surelyNotDone;
}
