using System.Buffers;

namespace Raft.Server.Gateway;

/// <summary>
/// Finds where a JSON object in a body ends. It looks at each byte once, however small the pieces that it comes in: a parser that
/// began anew with each piece would cost the square of the body. What the object holds is the parser's to judge.
/// </summary>
internal sealed class JsonValueEnd
{
    private int _depth;
    private bool _isInText;
    private bool _isEscaped;

    /// <summary>Bytes of the value that were looked at, with the spaces before it.</summary>
    private long _seen;

    /// <summary>Whether a value has begun.</summary>
    public bool HasBegun => _depth > 0;

    /// <summary>Goes on where it stopped.</summary>
    /// <param name="rest">What comes behind the values that were found before.</param>
    /// <param name="length">Bytes of the value, with the spaces before it.</param>
    /// <returns>False: more has to come first.</returns>
    /// <exception cref="InvalidDataException">This begins no object.</exception>
    public bool TryFind(ReadOnlySequence<byte> rest, out long length)
    {
        foreach (var piece in rest.Slice(_seen))
        {
            foreach (var letter in piece.Span)
            {
                _seen++;
                if (IsLast(letter))
                {
                    (length, _seen) = (_seen, 0);
                    return true;
                }
            }
        }

        length = 0;
        return false;
    }

    private bool IsLast(byte letter)
    {
        if (_isInText)
        {
            _isInText = _isEscaped || letter != '"';
            _isEscaped = !_isEscaped && letter == '\\';
            return false;
        }

        switch (letter)
        {
            case (byte)'{' or (byte)'[' when _depth > 0 || letter == '{':
                _depth++;
                return false;
            case (byte)'}' or (byte)']' when _depth > 0:
                return --_depth == 0;
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                return false;
            default:
                _isInText = letter == '"';
                return HasBegun ? false : throw new InvalidDataException("a request is a JSON object, which begins with {");
        }
    }
}
