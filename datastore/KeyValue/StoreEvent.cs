using Raft.KeyValue.Layout;
using Raft.Protocol.Etcd;

namespace Raft.KeyValue;

/// <summary>One change of one key, in the form it is stored: made into a message only when somebody watches.</summary>
/// <param name="Type">Put or delete.</param>
/// <param name="Revision">The main revision.</param>
/// <param name="Sub">Its place among the changes of the revision, from 0.</param>
/// <param name="Pair">The encoded <c>mvccpb.KeyValue</c>; of a delete, with key and mod_revision alone.</param>
/// <param name="Previous">The encoded pair before the revision; empty when the key did not exist.</param>
public readonly record struct StoreEvent(
    Event.Types.EventType Type, long Revision, int Sub, ReadOnlyMemory<byte> Pair, ReadOnlyMemory<byte> Previous)
{
    /// <summary>The key that changed; valid as long as the event.</summary>
    public ReadOnlySpan<byte> Key => new StoredPair(Pair.Span).Key;

    /// <summary>The message for watchers.</summary>
    public Event ToMessage(bool withPrevious)
    {
        var message = new Event { Type = Type, Kv = new StoredPair(Pair.Span).ToMessage() };
        if (withPrevious && !Previous.IsEmpty) message.PrevKv = new StoredPair(Previous.Span).ToMessage();
        return message;
    }
}
