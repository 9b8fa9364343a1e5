using Google.Protobuf;
using Raft.Consensus;
using Raft.Node.Ports;
using Raft.Protocol.V1;
using Message = Raft.Consensus.Message;

namespace Raft.Node.Tests.World;

/// <summary>Delivers in order, unless the way is cut.</summary>
internal sealed class TestNetwork(Func<MemberId, TestMember?> find)
{
    private readonly Queue<Action> _onTheWay = new();
    private readonly HashSet<MemberId> _cutOff = [];

    /// <summary>Messages sent, by kind.</summary>
    public Dictionary<MessageKind, int> Sent { get; } = [];

    /// <summary>Told of each message as it is sent.</summary>
    public Action<Message> OnSend { get; set; } = static _ => { };

    /// <summary>Requests reach the leader, but its answers get lost.</summary>
    public bool LosesForwardedAnswers { get; set; }

    /// <summary>Messages that are lost.</summary>
    public Func<Message, bool> Loses { get; set; } = static _ => false;

    public int Forwarded { get; private set; }

    public int ReadIndexQuestions { get; private set; }

    public void CutOff(MemberId member) => _cutOff.Add(member);

    public void Heal() => _cutOff.Clear();

    public void Send(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            OnSend(message);
            Sent[message.Kind] = Sent.GetValueOrDefault(message.Kind) + 1;
            _onTheWay.Enqueue(() =>
            {
                if (IsOpen(message.From, message.To) && !Loses(message))
                {
                    find(message.To)!.Node.Receive(message);
                }
            });
        }
    }

    public void SendSnapshot(Message message, MemoryState.Snapshot snapshot, Action<bool> completed)
    {
        Sent[message.Kind] = Sent.GetValueOrDefault(message.Kind) + 1;
        _onTheWay.Enqueue(() =>
        {
            var arrives = IsOpen(message.From, message.To) && !Loses(message);
            if (arrives)
            {
                find(message.To)!.Node.ReceiveSnapshot(message, new MemoryState.Snapshot(snapshot.Content));
            }

            snapshot.Dispose();
            completed(arrives);
        });
    }

    public bool Deliver()
    {
        var any = false;
        for (var count = _onTheWay.Count; count > 0; count--)
        {
            any = true;
            _onTheWay.Dequeue()();
        }

        return any;
    }

    public async Task<ForwardResponse> ForwardAsync(MemberId from, MemberId leader, ForwardRequest request)
    {
        Forwarded++;
        if (!IsOpen(from, leader))
        {
            throw new ForwardingException(surelyNotDone: true, "no way to the leader");
        }

        try
        {
            var response = await find(leader)!.Node.ForwardedAsync(ForwardRequest.Parser.ParseFrom(request.ToByteArray())).ConfigureAwait(false);
            return LosesForwardedAnswers ? throw new ForwardingException(surelyNotDone: false, "the answer was lost") : response;
        }
        catch (RequestRefusedException refusal) when (refusal.Error == NodeError.NotLeader)
        {
            throw new ForwardingException(surelyNotDone: true, refusal.Message, refusal);
        }
    }

    public async Task<LogIndex> ReadIndexAsync(MemberId from, MemberId leader)
    {
        ReadIndexQuestions++;
        if (!IsOpen(from, leader))
        {
            throw new ForwardingException(surelyNotDone: true, "no way to the leader");
        }

        try
        {
            return await find(leader)!.Node.ReadIndexAsync().ConfigureAwait(false);
        }
        catch (RequestRefusedException refusal)
        {
            throw new ForwardingException(surelyNotDone: true, refusal.Message, refusal);
        }
    }

    private bool IsOpen(MemberId from, MemberId to) =>
        !_cutOff.Contains(from) && !_cutOff.Contains(to) && find(to) is { IsUp: true };
}
