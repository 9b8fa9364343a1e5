namespace Raft.Robustness.Tests.Testbed;

/// <summary>
/// A bridge with one network namespace a member, and the clients at the bridge itself. Packets are dropped where they arrive, silently, as by
/// a broken cable; a link is slow by netem where the kernel has it, else by a token bucket, whose queue delays what it does not let pass.
/// </summary>
internal sealed class Network
{
    private readonly string _subnet;
    private readonly bool _hasNetem;

    private Network(int id, bool hasNetem)
    {
        Id = id;
        _subnet = $"10.213.{id}";
        _hasNetem = hasNetem;
    }

    /// <summary>Tells the runs of one machine apart.</summary>
    public int Id { get; }

    /// <summary>Where this run keeps its files.</summary>
    public string Folder => $"/run/raft-robustness/{Id}";

    public static async Task<Network> CreateAsync()
    {
        await Shell.RunAsync($"bash {Path.Combine(AppContext.BaseDirectory, "Testbed", "sweep.sh")}");
        var id = 1;
        while ((await Shell.TryAsync($"ip link add rbt{id} type bridge")).ExitCode != 0)
        {
            if (++id > 250)
                throw new InvalidOperationException("No bridge can be made: 'ip link add rbt1 type bridge' fails.");
        }
        Directory.CreateDirectory($"/run/raft-robustness/{id}");
        await File.WriteAllTextAsync($"/run/raft-robustness/{id}.pid", $"{System.Environment.ProcessId}");
        await Shell.RunAsync($"ip addr add 10.213.{id}.254/24 dev rbt{id}");
        await Shell.RunAsync($"ip link set rbt{id} up");
        var hasNetem = (await Shell.TryAsync($"tc qdisc add dev rbt{id} root netem delay 0ms")).ExitCode == 0;
        await Shell.TryAsync($"tc qdisc del dev rbt{id} root");
        return new Network(id, hasNetem);
    }

    public string NamespaceOf(int member) => $"rbt-{Id}-{member}";

    public string AddressOf(int member) => $"{_subnet}.{member + 1}";

    public async Task ConnectAsync(int member)
    {
        var (space, link) = (NamespaceOf(member), $"rbt{Id}v{member}");
        await Shell.RunAsync($"ip netns add {space}");
        await Shell.RunAsync($"ip link add {link} type veth peer name eth0 netns {space}");
        await Shell.RunAsync($"ip link set {link} master rbt{Id} up");
        await Shell.RunAsync($"ip -n {space} addr add {AddressOf(member)}/24 dev eth0");
        await Shell.RunAsync($"ip -n {space} link set eth0 up");
        await Shell.RunAsync($"ip -n {space} link set lo up");
    }

    /// <summary>Nothing that one member sends reaches the other any more.</summary>
    public Task DropAsync(int from, int to) => DropAsync(AddressOf(from), to, "");

    /// <summary>So many packets in a hundred that one member sends do not reach the other.</summary>
    public Task LoseAsync(int from, int to, int percent) => DropAsync(AddressOf(from), to, $"-m statistic --mode random --probability 0.{percent:D2} ");

    /// <summary>Nothing that clients send reaches a member.</summary>
    public Task DropClientsAsync(int member) => DropAsync($"{_subnet}.254", member, "");

    /// <summary>All that a member sends and receives takes its time.</summary>
    public async Task SlowAsync(int member, int kilobitsPerSecond)
    {
        var how = _hasNetem ? $"netem delay {40_000 / kilobitsPerSecond}ms 50ms" : $"tbf rate {kilobitsPerSecond}kbit burst 4kb latency 2s";
        await Shell.RunAsync($"ip netns exec {NamespaceOf(member)} tc qdisc replace dev eth0 root {how}");
        await Shell.RunAsync($"tc qdisc replace dev rbt{Id}v{member} root {how}");
    }

    /// <summary>A member's network is as it was at first.</summary>
    public async Task HealAsync(int member)
    {
        await Shell.RunAsync($"ip netns exec {NamespaceOf(member)} iptables -w -F INPUT");
        await Shell.TryAsync($"ip netns exec {NamespaceOf(member)} tc qdisc del dev eth0 root");
        await Shell.TryAsync($"tc qdisc del dev rbt{Id}v{member} root");
    }

    /// <summary>Takes everything away, whoever still runs in it.</summary>
    public Task RemoveAsync() => Shell.RunAsync($"bash {Path.Combine(AppContext.BaseDirectory, "Testbed", "sweep.sh")} {Id}");

    private async Task DropAsync(string address, int to, string match) =>
        await Shell.RunAsync($"ip netns exec {NamespaceOf(to)} iptables -w -A INPUT -s {address} {match}-j DROP");
}
