using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Raft.KeyValue;
using Raft.KeyValue.Auth;
using Raft.KeyValue.Requests;
using Raft.Node;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Membership;
using Raft.Server.Options;

namespace Raft.Server.Services;

/// <summary>
/// etcdserverpb.Auth. Changes go through the log, where the caller's permission is checked; what is read here is linearizable.
/// Passwords are hashed before they go anywhere, so none is ever in the log, on disk or on the way to another member.
/// </summary>
internal sealed class AuthService(
    MemberHost host, ServerOptions options, Callers callers, PasswordHashing passwords, TokenSigning tokens, TimeProvider time, ILogger<AuthService> logger)
    : Auth.AuthBase
{
    private const int TokenLetters = 32;
    private const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private static readonly Status PasswordTooLong = new(StatusCode.Unknown, "bcrypt: password length exceeds 72 bytes");

    private static readonly Status CannotIssue = new(StatusCode.Unknown, "auth: token signing attempted with verify-only key");

    public override Task<AuthEnableResponse> AuthEnable(AuthEnableRequest request, ServerCallContext context) =>
        ChangeAsync<AuthEnableResponse>(new Command { AuthEnable = request }, context, static (response, header) => response.Header = header);

    public override Task<AuthDisableResponse> AuthDisable(AuthDisableRequest request, ServerCallContext context) =>
        ChangeAsync<AuthDisableResponse>(new Command { AuthDisable = request }, context, static (response, header) => response.Header = header);

    public override async Task<AuthStatusResponse> AuthStatus(AuthStatusRequest request, ServerCallContext context)
    {
        var (member, auth, identity) = await ReadAsync(context);
        Refusals.ThrowIfRefused(auth.CheckRoot(identity));
        return new AuthStatusResponse { Header = member.Complete(null), Enabled = auth.IsEnabled, AuthRevision = auth.Revision };
    }

    /// <summary>
    /// A token for a user's right password. Comparing takes its time; if users or roles change meanwhile, it is compared again.
    /// </summary>
    public override async Task<AuthenticateResponse> Authenticate(AuthenticateRequest request, ServerCallContext context)
    {
        var member = Voter();
        while (true)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            await member.Node.ReadBarrierAsync();
            using var view = member.Node.Store.OpenView();
            var auth = view.Auth;
            Refusals.ThrowIfRefused(await RefusalAsync(auth, request, context.CancellationToken));
            if (tokens.Signed is { } signed)
            {
                return signed.CanIssue
                    ? new AuthenticateResponse { Header = member.Complete(null), Token = signed.Issue(request.Name, auth.Revision) }
                    : throw new RpcException(CannotIssue);
            }

            var grant = new TokenGrant
            {
                User = request.Name,
                Token = RandomNumberGenerator.GetString(Letters, TokenLetters),
                AuthRevision = auth.Revision,
            };
            try
            {
                var response = await ProposeAsync<AuthenticateResponse>(member, new Command { GrantToken = grant });
                response.Header = member.Complete(response.Header);
                return response;
            }
            catch (CommandRefusedException refusal) when (refusal.Error == AuthError.OldRevision)
            {
                // Again.
            }
        }
    }

    public override async Task<AuthUserAddResponse> UserAdd(AuthUserAddRequest request, ServerCallContext context)
    {
        await CheckRootAsync(context);
        var hash = request.Options is { NoPassword: true } ? "" : await HashAsync(request.Password, context);
        request.Password = "";
        request.HashedPassword = hash;
        return await ChangeAsync<AuthUserAddResponse>(
            new Command { AuthUserAdd = request }, context, static (response, header) => response.Header = header);
    }

    public override async Task<AuthUserGetResponse> UserGet(AuthUserGetRequest request, ServerCallContext context)
    {
        var (member, auth, identity) = await ReadAsync(context);
        if (auth.CheckRoot(identity) is { } refusal && identity?.User != request.Name)
        {
            throw Refusals.ToStatus(refusal);
        }

        var user = auth.FindUser(request.Name) ?? throw Refusals.ToStatus(AuthError.UserNotFound);
        return new AuthUserGetResponse { Header = member.Complete(null), Roles = { user.Roles } };
    }

    public override async Task<AuthUserListResponse> UserList(AuthUserListRequest request, ServerCallContext context)
    {
        var (member, auth, identity) = await ReadAsync(context);
        Refusals.ThrowIfRefused(auth.CheckRoot(identity));
        return new AuthUserListResponse { Header = member.Complete(null), Users = { auth.Users } };
    }

    public override Task<AuthUserDeleteResponse> UserDelete(AuthUserDeleteRequest request, ServerCallContext context) =>
        ChangeAsync<AuthUserDeleteResponse>(new Command { AuthUserDelete = request }, context, static (response, header) => response.Header = header);

    /// <summary>As in etcd, an empty password takes the user's password away: none is right any more.</summary>
    public override async Task<AuthUserChangePasswordResponse> UserChangePassword(AuthUserChangePasswordRequest request, ServerCallContext context)
    {
        await CheckRootAsync(context);
        var hash = request.Password.Length == 0 ? "" : await HashAsync(request.Password, context);
        request.Password = "";
        request.HashedPassword = hash;
        return await ChangeAsync<AuthUserChangePasswordResponse>(
            new Command { AuthUserChangePassword = request }, context, static (response, header) => response.Header = header);
    }

    public override Task<AuthUserGrantRoleResponse> UserGrantRole(AuthUserGrantRoleRequest request, ServerCallContext context) =>
        ChangeAsync<AuthUserGrantRoleResponse>(new Command { AuthUserGrantRole = request }, context, static (response, header) => response.Header = header);

    public override Task<AuthUserRevokeRoleResponse> UserRevokeRole(AuthUserRevokeRoleRequest request, ServerCallContext context) =>
        ChangeAsync<AuthUserRevokeRoleResponse>(new Command { AuthUserRevokeRole = request }, context, static (response, header) => response.Header = header);

    public override Task<AuthRoleAddResponse> RoleAdd(AuthRoleAddRequest request, ServerCallContext context) =>
        ChangeAsync<AuthRoleAddResponse>(new Command { AuthRoleAdd = request }, context, static (response, header) => response.Header = header);

    public override async Task<AuthRoleGetResponse> RoleGet(AuthRoleGetRequest request, ServerCallContext context)
    {
        var (member, auth, identity) = await ReadAsync(context);
        if (auth.CheckRoot(identity) is { } refusal && auth.FindUser(identity?.User ?? "")?.Roles.Contains(request.Role) != true)
        {
            throw Refusals.ToStatus(refusal);
        }

        return new AuthRoleGetResponse
        {
            Header = member.Complete(null),
            Perm = { auth.PermissionsOf(request.Role) ?? throw Refusals.ToStatus(AuthError.RoleNotFound) },
        };
    }

    public override async Task<AuthRoleListResponse> RoleList(AuthRoleListRequest request, ServerCallContext context)
    {
        var (member, auth, identity) = await ReadAsync(context);
        Refusals.ThrowIfRefused(auth.CheckRoot(identity));
        return new AuthRoleListResponse { Header = member.Complete(null), Roles = { auth.Roles } };
    }

    public override Task<AuthRoleDeleteResponse> RoleDelete(AuthRoleDeleteRequest request, ServerCallContext context) =>
        ChangeAsync<AuthRoleDeleteResponse>(new Command { AuthRoleDelete = request }, context, static (response, header) => response.Header = header);

    public override Task<AuthRoleGrantPermissionResponse> RoleGrantPermission(AuthRoleGrantPermissionRequest request, ServerCallContext context) =>
        ChangeAsync<AuthRoleGrantPermissionResponse>(
            new Command { AuthRoleGrantPermission = request }, context, static (response, header) => response.Header = header);

    public override Task<AuthRoleRevokePermissionResponse> RoleRevokePermission(AuthRoleRevokePermissionRequest request, ServerCallContext context) =>
        ChangeAsync<AuthRoleRevokePermissionResponse>(
            new Command { AuthRoleRevokePermission = request }, context, static (response, header) => response.Header = header);

    private async Task<TResponse> ChangeAsync<TResponse>(Command command, ServerCallContext context, Action<TResponse, ResponseHeader> complete)
        where TResponse : class, IMessage
    {
        var member = Voter();
        Refusals.ThrowIfRefused(RequestValidator.ValidateSize(command, options.MaxRequestBytes));
        command.Session = SessionMetadata.Stamp(context);
        command.Identity = await callers.IdentityAsync(member, context);
        var response = await ProposeAsync<TResponse>(member, command);
        complete(response, member.Complete(null));
        return response;
    }

    private async Task<TResponse> ProposeAsync<TResponse>(RunningMember member, Command command)
        where TResponse : class, IMessage
    {
        command.TimeUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var result = await member.Node.ProposeAsync(command);
        return result.Error is { } error ? throw new CommandRefusedException(error) : (TResponse)result.Response!;
    }

    /// <summary>The users and roles as of now, and who asks for them.</summary>
    private async Task<(RunningMember Member, AuthState Auth, AuthIdentity? Identity)> ReadAsync(ServerCallContext context)
    {
        var member = Voter();
        await member.Node.ReadBarrierAsync();
        var identity = await callers.IdentityAsync(member, context);
        using var view = member.Node.Store.OpenView();
        return (member, view.Auth, identity);
    }

    private RunningMember Voter()
    {
        var member = host.Require();
        member.RefuseIfLearner();
        return member;
    }

    private async Task<StoreError?> RefusalAsync(AuthState auth, AuthenticateRequest request, CancellationToken cancellation)
    {
        if (!auth.IsEnabled)
        {
            return AuthError.NotEnabled;
        }

        if (auth.FindUser(request.Name) is not { } user)
        {
            return AuthError.Failed;
        }

        if (user.NoPassword)
        {
            return AuthError.NoPasswordUser;
        }

        if (await passwords.MatchesAsync(request.Password, user.PasswordHash.Memory, cancellation))
        {
            return null;
        }

        logger.WrongPassword(request.Name);
        return AuthError.Failed;
    }

    /// <summary>Hashing costs more than asking first; what counts is asked again where the change is applied.</summary>
    private async Task CheckRootAsync(ServerCallContext context)
    {
        var (_, auth, identity) = await ReadAsync(context);
        Refusals.ThrowIfRefused(auth.CheckRoot(identity));
    }

    private async Task<string> HashAsync(string password, ServerCallContext context) =>
        await passwords.HashAsync(password, context.CancellationToken) ?? throw new RpcException(PasswordTooLong);
}
