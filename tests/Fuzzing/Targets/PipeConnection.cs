using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>A connection without a network, on which all that comes is there already.</summary>
internal sealed class PipeConnection : IDuplexPipe, IDisposable
{
    private readonly Pipe _input = new(new(pauseWriterThreshold: 0));
    private readonly Pipe _output = new(new(pauseWriterThreshold: 0));

    public PipeConnection(byte[] sent)
    {
        _input.Writer.Write(sent);
        _input.Writer.Complete();
        Context = new DefaultConnectionContext("without a network", this, this);
    }

    public DefaultConnectionContext Context { get; }

    public PipeReader Input => _input.Reader;

    public PipeWriter Output => _output.Writer;

    /// <summary>What was answered.</summary>
    public byte[] TakeAnswer()
    {
        _output.Writer.Complete();
        return _output.Reader.TryRead(out var read) ? read.Buffer.ToArray() : [];
    }

    public void Dispose()
    {
        _input.Reader.Complete();
        _output.Reader.Complete();
    }
}
