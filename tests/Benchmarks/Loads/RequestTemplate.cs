using System.Globalization;
using System.Text;
using Google.Protobuf;
using Raft.Benchmarks.Http2;

namespace Raft.Benchmarks.Loads;

/// <summary>
/// A request that is serialised once and then sent with ever other keys: the digits of its keys are overwritten in place. It
/// belongs to one client, which has one call at a time.
/// </summary>
internal sealed class RequestTemplate
{
    private const long Placeholder = 9_000_000_000;

    private readonly List<(int Offset, long Distance)> _keys = [];

    /// <param name="path">What to call.</param>
    /// <param name="message">Its keys are those of <see cref="Key"/>.</param>
    /// <param name="answerBytesMin">A shorter answer cannot be right.</param>
    public RequestTemplate(byte[] path, IMessage message, int answerBytesMin)
    {
        (Path, Bytes, AnswerBytesMin) = (path, Call.Frame(message), answerBytesMin);
        var prefix = Encoding.ASCII.GetBytes(KeySpace.Prefix);
        for (var found = Find(prefix, 0); found >= 0; found = Find(prefix, found + 1))
        {
            var offset = found + prefix.Length;
            _keys.Add((offset, ReadDigits(offset) - Placeholder));
        }
    }

    public byte[] Path { get; }

    /// <summary>The framed message.</summary>
    public byte[] Bytes { get; }

    public int AnswerBytesMin { get; }

    /// <summary>Stands for the key that <see cref="Choose"/> is given, or one so much behind it.</summary>
    public static ByteString Key(long distance = 0) => ByteString.CopyFromUtf8(KeySpace.Name(Placeholder + distance));

    public void Choose(long key)
    {
        foreach (var (offset, distance) in _keys)
        {
            var rest = key + distance;
            for (var digit = KeySpace.Digits - 1; digit >= 0; digit--)
            {
                (rest, var last) = Math.DivRem(rest, 10);
                Bytes[offset + digit] = (byte)('0' + last);
            }
        }
    }

    private int Find(byte[] prefix, int start) => Bytes.AsSpan(start).IndexOf(prefix) is var found and >= 0 ? start + found : -1;

    private long ReadDigits(int offset) => long.Parse(Bytes.AsSpan(offset, KeySpace.Digits), CultureInfo.InvariantCulture);
}
