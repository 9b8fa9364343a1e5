using System.Buffers.Binary;
using System.Net.Sockets;
using Google.Protobuf;
using Raft.Protocol.V1;
using static Raft.Transport.Tests.TestMessages;

namespace Raft.Transport.Tests;

/// <summary>One end of a stream between members, byte by byte, on the side of whoever wants to do something wrong.</summary>
internal sealed class RawStream(TcpClient client) : IDisposable
{
    private readonly NetworkStream _stream = client.GetStream();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<RawStream> OpenAsync(TestMember member)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", member.Port, Stop);
        return new(client);
    }

    /// <summary>Opens a stream as member One, which is taken.</summary>
    public static async Task<RawStream> OpenTakenAsync(TestMember member)
    {
        var stream = await OpenAsync(member);
        await stream.SendAsync([.. PeerConnection.Preface, .. Frame(Hello(member))]);
        Assert.Equal(member.Id.Value, (await stream.ReadAsync(PeerReply.Parser))!.Member);
        return stream;
    }

    public static PeerFrame Hello(TestMember to) => new() { ClusterId = 7, From = One.Value, To = to.Id.Value };

    public static byte[] Frame(IMessage? message)
    {
        var bytes = message?.ToByteArray() ?? [];
        var frame = new byte[sizeof(uint) + bytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)bytes.Length);
        bytes.CopyTo(frame, sizeof(uint));
        return frame;
    }

    public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes, Stop);

    public void EndSending() => client.Client.Shutdown(SocketShutdown.Send);

    /// <summary>What comes, exactly so many bytes.</summary>
    public async Task<byte[]> ReadBytesAsync(int count)
    {
        var bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes, Stop);
        return bytes;
    }

    /// <summary>The next frame that is not empty; null: the other side closed the connection.</summary>
    public async Task<T?> ReadAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        while (await ReadFrameAsync() is { } bytes)
        {
            if (bytes.Length > 0)
            {
                return parser.ParseFrom(bytes);
            }
        }

        return null;
    }

    /// <summary>The next frame; null: the other side closed the connection.</summary>
    public async Task<byte[]?> ReadFrameAsync()
    {
        try
        {
            return await ReadBytesAsync((int)BinaryPrimitives.ReadUInt32BigEndian(await ReadBytesAsync(sizeof(uint))));
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose() => client.Dispose();
}
