using Google.Protobuf;
using Raft.KeyValue.Layout;
using Raft.KeyValue.Sessions;
using Raft.Protocol.V1;

namespace Raft.KeyValue.Tests.Sessions;

/// <summary>A store, a clock that its commands carry, and clients that may send what they have sent before.</summary>
internal sealed class SessionWorld(SessionLimits? limits = null)
{
    private static readonly byte[] SessionKeyspaces = [KeyLayout.Sessions, KeyLayout.Answers, KeyLayout.Expiries];

    public TestStore Store { get; } = new(limits);

    public long NowUnixMs { get; set; } = 1_700_000_000_000;

    /// <summary>Entries that sessions take up in the store.</summary>
    public int Entries => Store.Disk.Content.Count(static entry => SessionKeyspaces.Contains(entry.Key[0]));

    public ulong Open(long ttlMs = 10_000) => Open(ttlMs, out _);

    public ulong Open(long ttlMs, out long grantedMs)
    {
        var response = Assert.IsType<OpenSessionResponse>(Send(new OpenSessionRequest { TtlMs = ttlMs }).Response);
        grantedMs = response.TtlMs;
        return response.Session;
    }

    public void Close(ulong session) => Assert.Null(Send(new CloseSessionRequest { Session = session }).Error);

    /// <summary>Sends a request in no session.</summary>
    public CommandResult Send(IMessage request) => Apply(TestStore.Command(request));

    public CommandResult Send(ulong session, ulong sequence, IMessage request, ulong acknowledged = 0)
    {
        var command = TestStore.Command(request);
        command.Session = new SessionStamp { Session = session, Sequence = sequence, Acknowledged = acknowledged };
        return Apply(command);
    }

    private CommandResult Apply(Command command)
    {
        command.TimeUnixMs = NowUnixMs;
        return Store.Apply(command);
    }
}
