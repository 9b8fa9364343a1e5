using Grpc.Core;
using Raft.Consensus;
using Raft.Protocol.V1;

namespace Raft.Transport;

/// <content>Comparing the members' states.</content>
public sealed partial class PeerTransport
{
    /// <summary>Asks a member for the hash of its state. Whom the request is from is filled in here.</summary>
    /// <returns>The answer, or what went wrong: a member that does not know the call is as good as away.</returns>
    public async Task<(StateHashResponse? Answer, string Problem)> StateHashAsync(
        MemberId member, StateHashRequest request, TimeSpan limit, CancellationToken cancellation)
    {
        if (!_peers.TryGetValue(member, out var remote) || remote.Urls.Count == 0)
        {
            return (null, "its peer URL is not known");
        }

        try
        {
            var asked = new StateHashRequest(request) { ClusterId = _options.ClusterId, From = _options.Self.Value };
            var answer = await remote.Client(_options)
                .StateHashAsync(asked, deadline: DateTime.UtcNow + limit, cancellationToken: cancellation).ResponseAsync.ConfigureAwait(false);
            return answer.ClusterId == _options.ClusterId && answer.MemberId == member.Value
                ? (answer, "")
                : (null, $"{remote.Urls[0]} is member {new MemberId(answer.MemberId)}");
        }
        catch (RpcException error) when (!cancellation.IsCancellationRequested)
        {
            return (null, PeerChannel.Explain(error, remote.Urls[0]));
        }
        catch (Exception error) when (error is ObjectDisposedException or UriFormatException)
        {
            return (null, error.Message); // it was forgotten meanwhile, or cannot be called
        }
    }
}
