namespace Raft.Simulation.Tests.Clients;

/// <summary>All that clients asked for and were told, in the order of asking.</summary>
internal sealed class ClientHistory
{
    private readonly List<ClientOperation> _operations = [];

    public ClientOperation Begin(int client, ClientRequest request, long now)
    {
        var operation = new ClientOperation(client, request, now);
        _operations.Add(operation);
        return operation;
    }

    public void Check()
    {
    }
}
