using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Raft.KeyValue.Auth;
using Raft.Node;
using Raft.Protocol.V1;
using Raft.Server.Membership;
using Raft.Server.Options;
using Raft.Server.Services;

namespace Raft.Server.Authentication;

/// <summary>
/// Finds out who asks: by the token that a request carries, else by the common name of the client's certificate. What the user may
/// do is for the state machine to say: a write's command carries the identity, a read's view checks it.
/// </summary>
internal sealed class Callers(ServerOptions options, TokenSigning tokens, TimeProvider time)
{
    /// <summary>etcd's metadata key for a token, and that of clients of its JSON gateway.</summary>
    private const string TokenKey = "token";
    private const string GatewayTokenKey = "authorization";

    /// <summary>Reading a certificate's name takes longer than all else here, and a connection has but one.</summary>
    private readonly ConditionalWeakTable<X509Certificate2, string> _commonNames = [];

    /// <summary>Who asks; null: it is not known, or authentication is off and does not matter.</summary>
    /// <exception cref="RpcException">UNAUTHENTICATED: there is a token, but it is nobody's.</exception>
    public ValueTask<AuthIdentity?> IdentityAsync(RunningMember member, ServerCallContext context) =>
        member.Node.Store.Auth.IsEnabled ? ResolveAsync(member, context) : default;

    /// <summary>Refuses callers without the role root, as far as this member knows, while authentication is on.</summary>
    /// <exception cref="RpcException">The refusal.</exception>
    public async ValueTask RequireRootAsync(RunningMember member, ServerCallContext context)
    {
        if (member.Node.Store.Auth.IsEnabled)
        {
            var identity = await ResolveAsync(member, context);
            Refusals.ThrowIfRefused(member.Node.Store.Auth.CheckRoot(identity));
        }
    }

    /// <summary>Refuses callers who are no user, as far as this member knows, while authentication is on.</summary>
    /// <exception cref="RpcException">The refusal.</exception>
    public async ValueTask RequireUserAsync(RunningMember member, ServerCallContext context)
    {
        if (member.Node.Store.Auth.IsEnabled)
        {
            var identity = await ResolveAsync(member, context);
            Refusals.ThrowIfRefused(member.Node.Store.Auth.CheckUser(identity));
        }
    }

    private async ValueTask<AuthIdentity?> ResolveAsync(RunningMember member, ServerCallContext context)
    {
        if ((context.Metadata(TokenKey) ?? context.Metadata(GatewayTokenKey)) is { } token)
        {
            return await (tokens.Signed?.ReadAsync(token) ?? FindAsync(member, token)) ?? throw Refusals.ToStatus(AuthError.InvalidToken);
        }

        // Before the name is looked up: whoever changes in between is refused.
        var revision = member.Node.Store.Auth.Revision;
        return options.ClientTls.RequireClientCertificate && CommonNameOf(context) is { Length: > 0 } name
            ? new AuthIdentity { User = name, AuthRevision = revision }
            : null;
    }

    private async Task<AuthIdentity?> FindAsync(RunningMember member, string token)
    {
        if (Find(member, token) is { } known)
        {
            return known;
        }

        try
        {
            // It may be so new that this member has not applied its grant.
            await member.Node.ReadBarrierAsync();
        }
        catch (RequestRefusedException)
        {
            return null;
        }

        return Find(member, token);
    }

    private AuthIdentity? Find(RunningMember member, string token)
    {
        var store = member.Node.Store;
        var revision = store.Auth.Revision;
        return store.Tokens.Use(token, time.GetUtcNow().ToUnixTimeMilliseconds(), (long)options.AuthTokenTtl.TotalMilliseconds) is { } user
            ? new AuthIdentity { User = user, AuthRevision = revision }
            : null;
    }

    /// <summary>As in etcd, not of clients of the JSON gateway: its calls come without the certificate.</summary>
    private string? CommonNameOf(ServerCallContext context) => context.GetHttpContext().Connection.ClientCertificate is { } certificate
        ? _commonNames.GetValue(certificate, CommonName.Of)
        : null;
}
