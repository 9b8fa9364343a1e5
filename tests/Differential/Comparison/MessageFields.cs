using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Raft.Differential.Tests.Comparison;

/// <summary>Walks through all fields of a message that are set, and those of the messages in it.</summary>
internal static class MessageFields
{
    /// <summary>Replaces values; what the function gives back unchanged stays.</summary>
    /// <param name="message">The message, which is changed.</param>
    /// <param name="rewrite">Takes a field and one value of it; of a repeated field, each.</param>
    public static void Rewrite(IMessage message, Func<FieldDescriptor, object, object> rewrite)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.HasPresence && !field.Accessor.HasValue(message)) continue;
            var value = field.Accessor.GetValue(message);
            if (field.IsRepeated)
            {
                var list = (IList)value;
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is IMessage element) Rewrite(element, rewrite);
                    else if (rewrite(field, list[i]!) is var changed && !changed.Equals(list[i])) list[i] = changed;
                }
            }
            else if (value is IMessage nested)
            {
                Rewrite(nested, rewrite);
            }
            else if (rewrite(field, value) is var changed && !changed.Equals(value))
            {
                field.Accessor.SetValue(message, changed);
            }
        }
    }

    /// <summary>A deep copy.</summary>
    public static IMessage Copy(IMessage message) => message.Descriptor.Parser.ParseFrom(message.ToByteString());
}
