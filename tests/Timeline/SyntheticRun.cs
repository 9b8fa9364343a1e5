using Raft.Consensus;
using Raft.Simulation.Tests.Timeline;

namespace Raft.Timeline.Tests;

/// <summary>
/// Tells a recorder a story as a simulator would: members that elect, replicate, lose messages and crash, in the right order
/// but without a core. Every call moves the clock.
/// </summary>
internal sealed class SyntheticRun
{
    private readonly ulong[] _logs;
    private readonly ulong[] _commits;
    private readonly HashSet<int> _down = [];
    private long _message;
    private ulong _term;
    private int _leader = -1;

    public SyntheticRun(int members, string description = "synthetic")
    {
        Recorder = new TimelineRecorder(42, description);
        _logs = new ulong[members];
        _commits = new ulong[members];
        for (var member = 0; member < members; member++)
        {
            Recorder.Lane(Now, Id(member));
            Recorder.Up(Now, Id(member));
            State(member, Role.Follower);
        }
    }

    public TimelineRecorder Recorder { get; }

    public long Now { get; private set; }

    public int Events { get; private set; }

    public static MemberId Id(int member) => new((ulong)member + 1);

    public void Wait(long milliseconds) => Now += milliseconds;

    /// <summary>A member asks for pre-votes, then for votes in the next term, and leads.</summary>
    public void Elect(int candidate, int lossTo = -1)
    {
        State(candidate, Role.PreCandidate);
        Round(candidate, "PreVote", $"term {_term + 1}, last log {_logs[candidate]}", lossTo);
        _term++;
        State(candidate, Role.Candidate);
        Round(candidate, "Vote", $"term {_term}, last log {_logs[candidate]}", lossTo, receiver => State(receiver, Role.Follower));
        _leader = candidate;
        _logs[candidate]++;
        State(candidate, Role.Leader);
        Append(0, lossTo);
    }

    /// <summary>The leader takes writes, replicates and commits them.</summary>
    public void Append(int writes, int lossTo = -1)
    {
        if (writes > 0)
        {
            Recorder.Note(Now, Id(_leader), $"client 1: put k{_logs[_leader]}");
            _logs[_leader] += (ulong)writes;
            State(_leader, Role.Leader);
        }

        Round(_leader, "Append", $"term {_term}, entries to {_logs[_leader]}, commit {_commits[_leader]}", lossTo, receiver =>
        {
            _logs[receiver] = _logs[_leader];
            _commits[receiver] = _commits[_leader];
            State(receiver, Role.Follower);
        });
        _commits[_leader] = _logs[_leader];
        State(_leader, Role.Leader);
    }

    public void Heartbeat(int lossTo = -1) =>
        Round(_leader, "Heartbeat", $"term {_term}, commit {_commits[_leader]}", lossTo, receiver =>
        {
            if (_commits[receiver] == Math.Min(_logs[receiver], _commits[_leader]))
                return;
            _commits[receiver] = Math.Min(_logs[receiver], _commits[_leader]);
            State(receiver, Role.Follower);
        });

    public void Crash(int member)
    {
        Recorder.Fault(Now, Id(member), $"crash of {Id(member)}");
        Recorder.Down(Now, Id(member), "power lost");
        _down.Add(member);
    }

    public void Restart(int member)
    {
        Recorder.Up(Now, Id(member));
        _down.Remove(member);
        State(member, Role.Follower);
    }

    private void Round(int sender, string name, string detail, int lossTo, Action<int>? received = null)
    {
        var receivers = Enumerable.Range(0, _logs.Length).Where(member => member != sender).ToList();
        var requests = receivers.ToDictionary(receiver => receiver, receiver => Send(sender, receiver, $"{name}Request", detail));
        var answers = new List<long>();
        foreach (var receiver in receivers)
        {
            Now += 2 + (receiver * 3) % 4;
            if (_down.Contains(receiver) || receiver == lossTo)
            {
                Recorder.Lost(Now, requests[receiver], _down.Contains(receiver) ? "the receiver is down" : "lost by the network");
                continue;
            }

            Recorder.Delivered(Now, requests[receiver]);
            received?.Invoke(receiver);
            answers.Add(Send(receiver, sender, $"{name}Response", $"term {_term}, granted"));
        }

        foreach (var answer in answers)
        {
            Now += 3;
            Recorder.Delivered(Now, answer);
        }

        Events += receivers.Count + (3 * answers.Count);
    }

    private long Send(int from, int to, string kind, string detail)
    {
        Recorder.Sent(Now, ++_message, Id(from), Id(to), kind, detail);
        return _message;
    }

    private void State(int member, Role role)
    {
        Events++;
        Recorder.State(Now, Id(member), role, _term, 0, _logs[member], _commits[member], _commits[member]);
    }

    /// <summary>Two elections, a partition, losses, a crash, long silence, and at the end a broken promise.</summary>
    public static SyntheticRun Story(string note = "snapshot at 5")
    {
        var run = new SyntheticRun(5, "swarm: losses 3 %, crashes, one partition");
        run.Wait(180);
        run.Elect(1);
        run.Wait(20);
        run.Append(1);
        run.Append(2, lossTo: 3);
        run.Wait(30);
        run.Heartbeat();
        run.Append(1);
        run.Recorder.Note(run.Now, Id(2), note);
        run.Wait(12);
        run.Recorder.Fault(run.Now, null, "partition: {2} | {1 3 4 5}");
        run.Wait(10);
        run.Crash(1);
        run.Wait(220);
        run.Elect(2, lossTo: 4);
        run.Recorder.Fault(run.Now, null, "partition heals");
        run.Append(3);
        run.Wait(15);
        run.Restart(1);
        run.Append(1);
        run.Heartbeat();
        run.Wait(60_000);
        run.Heartbeat();
        run.Wait(25);
        run.Append(1);
        run.Send(2, 3, "SnapshotRequest", "under way at the end");
        run.Wait(5);
        run.Recorder.Violation(run.Now, Id(2), "log matching", "index 9 holds two entries of term 2");
        return run;
    }

    /// <summary>A run as long as the simulator's longest.</summary>
    public static SyntheticRun Long(int events)
    {
        var run = new SyntheticRun(5, $"{events} events");
        for (var round = 0; run.Events < events; round++)
        {
            if (round % 150 == 0)
            {
                run.Wait(300);
                run.Elect(round / 150 % 5);
            }

            run.Append(round % 3, lossTo: round % 17 == 0 ? (run._leader + 1) % 5 : -1);
            run.Wait(20 + (round * 7 % 40));
            run.Heartbeat();
        }

        run.Recorder.Violation(run.Now, null, "linearizable", "a read saw an older revision");
        return run;
    }
}
