using Google.Protobuf;

namespace Raft.Simulation.Tests.Clients;

/// <summary>One request of a client, with all its retries, and what became of it.</summary>
internal sealed class ClientOperation(int client, ClientRequest request, long invokedAt)
{
    public int Client => client;

    public ClientRequest Request => request;

    public long InvokedAt => invokedAt;

    /// <summary>Simulated milliseconds; null while nobody knows what became of it.</summary>
    public long? AnsweredAt { get; private set; }

    /// <summary>The answer; null if it was refused without any effect, or is not known.</summary>
    public IMessage? Answer { get; private set; }

    /// <summary>It surely had no effect and never will.</summary>
    public bool IsRefused { get; private set; }

    public void Completes(long at, IMessage answer) => (AnsweredAt, Answer) = (at, answer);

    public void IsRefusedAt(long at) => (AnsweredAt, IsRefused) = (at, true);
}
