using System.Diagnostics;
using System.Text;
using k8s.Models;
using Raft.Operator.Api;
using Raft.Operator.Effects.Certificates;
using Raft.Operator.Planning.Certificates;
using Raft.Operator.Planning.Objects;

namespace Raft.Operator.Effects.Tests;

/// <summary>
/// A real server with the very flags that its pod would have, on a loopback address of its own instead of the pod's, and with
/// certificates that the operator would issue.
/// </summary>
internal sealed class MemberProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("raft-member-");
    private readonly Process _process;

    public MemberProcess(RaftCluster cluster, string pod, string address)
    {
        Address = address;
        var now = DateTimeOffset.UtcNow;
        var authority = CertificateFactory.Authority("authority", now, TimeSpan.FromDays(100));
        var peerAuthority = CertificateFactory.Authority("peer authority", now, TimeSpan.FromDays(100));
        var server = Secret("store-server-tls", authority, CertificateFactory.Leaf(
            authority, "server", CertificateNames.ServerSubjects(cluster), now, TimeSpan.FromDays(10)));
        var peer = Secret("store-peer-tls", peerAuthority, CertificateFactory.Leaf(
            peerAuthority, "peer", CertificateNames.PeerSubjects(cluster), now, TimeSpan.FromDays(10)));
        Client = Secret("store-client-tls", authority, CertificateFactory.Leaf(authority, "operator", [], now, TimeSpan.FromDays(10)));
        Mount(server, "server");
        Mount(peer, "peer");

        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Raft.Server")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var flag in ServerFlags.Of(cluster))
            start.ArgumentList.Add(flag
                .Replace("$(POD_NAME)", pod, StringComparison.Ordinal)
                .Replace("$(POD_NAMESPACE)", cluster.Metadata.NamespaceProperty, StringComparison.Ordinal)
                .Replace("0.0.0.0", address, StringComparison.Ordinal)
                .Replace(ServerFlags.VolumePath, _folder.FullName, StringComparison.Ordinal)
                .Replace(ServerFlags.TlsPath, _folder.FullName, StringComparison.Ordinal));
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Address { get; }

    /// <summary>The operator's own certificate.</summary>
    public V1Secret Client { get; }

    public StringBuilder Output { get; } = new();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (Output) Output.AppendLine(line.Data);
    }

    private void Mount(V1Secret secret, string folder)
    {
        var target = _folder.CreateSubdirectory(folder);
        foreach (var (name, value) in secret.Data) File.WriteAllBytes(Path.Combine(target.FullName, name), value);
    }

    private static V1Secret Secret(string name, CertificateFactory.Pair authority, CertificateFactory.Pair leaf) => new()
    {
        Metadata = new V1ObjectMeta { Name = name },
        Data = new Dictionary<string, byte[]>
        {
            ["tls.crt"] = Encoding.UTF8.GetBytes(leaf.CertificatePem),
            ["tls.key"] = Encoding.UTF8.GetBytes(leaf.KeyPem),
            ["ca.crt"] = Encoding.UTF8.GetBytes(authority.CertificatePem),
        },
    };
}
