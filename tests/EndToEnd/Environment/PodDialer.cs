using System.Net.Sockets;
using k8s;
using k8s.Models;

namespace Raft.EndToEnd.Tests.Environment;

/// <summary>
/// Opens connections to pods from outside the cluster: straight to the pod's address where this machine has a route to it,
/// otherwise forwarded by the API server, as <c>kubectl port-forward</c> does.
/// </summary>
internal sealed class PodDialer(Kubernetes client, bool forward)
{
    /// <summary>A stream to the port of the pod as it is now; a recreated pod has another address.</summary>
    /// <exception cref="SocketException">The pod has no address yet, or refuses.</exception>
    public async ValueTask<Stream> DialAsync(V1Pod pod, int port, CancellationToken stop)
    {
        if (pod.Status?.PodIP is not { Length: > 0 } address)
            throw new SocketException((int)SocketError.AddressNotAvailable);
        return forward ? await ForwardAsync(pod, port, stop) : await ConnectAsync(address, port, stop);
    }

    private static async Task<Stream> ConnectAsync(string address, int port, CancellationToken stop)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Stream> ForwardAsync(V1Pod pod, int port, CancellationToken stop)
    {
        var socket = await client.WebSocketNamespacedPodPortForwardAsync(
            pod.Name(), pod.Namespace(), [port], WebSocketProtocol.V4BinaryWebsocketProtocol, cancellationToken: stop);
        var demultiplexer = new StreamDemuxer(socket, StreamType.PortForward, ownsSocket: true);
        demultiplexer.Start();
        return new ForwardedStream(demultiplexer.GetStream((byte?)0, (byte?)0), demultiplexer);
    }
}
