using Raft.KeyValue.Auth;
using Raft.Protocol.Etcd;
using Raft.Protocol.V1;
using static Raft.KeyValue.Tests.TestStore;
using Kind = Raft.Protocol.Etcd.Permission.Types.Type;

namespace Raft.KeyValue.Tests.Auth;

/// <summary>Tokens, and sessions of users.</summary>
public sealed class AuthSessionTests
{
    private const long TtlMs = 1000;

    private readonly AuthWorld _world = AuthWorld.Enabled();

    public AuthSessionTests()
    {
        _world.AddUserWith("alice", (Kind.Readwrite, "a", "b"));
        _world.AddUserWith("bob", (Kind.Readwrite, "b", "c"));
    }

    private TokenTable Tokens => _world.Store.Store.Tokens;

    [Fact]
    public void A_token_stands_for_its_user_as_long_as_it_is_used()
    {
        Assert.Equal("t", Assert.IsType<AuthenticateResponse>(Grant("alice", "t").Response).Token);
        Assert.Null(Use("made up"));
        _world.NowUnixMs += TtlMs;
        Assert.Equal("alice", Use("t"));
        _world.NowUnixMs += TtlMs;
        Assert.Equal("alice", Use("t"));
        _world.NowUnixMs += TtlMs + 1;
        Assert.Null(Use("t"));
        Assert.Equal(0, Tokens.Count);
    }

    [Fact]
    public void A_grant_that_is_applied_again_after_a_restart_revives_no_expired_token()
    {
        Grant("alice", "t");
        var granted = _world.NowUnixMs;
        _world.NowUnixMs += TtlMs + 1;
        _world.Store.Store.Tokens.Clear();
        _world.Store.Apply(new Command { GrantToken = GrantOf("alice", "t"), TimeUnixMs = granted });
        Assert.Null(Use("t"));
    }

    [Fact]
    public void Expired_tokens_are_cleared_away()
    {
        Grant("alice", "old");
        _world.NowUnixMs += 10;
        Grant("bob", "new");
        Tokens.ForgetUnusedSince(_world.NowUnixMs);
        Assert.Equal((1, "bob"), (Tokens.Count, Use("new")));
    }

    [Fact]
    public void A_password_that_was_compared_before_a_change_is_worth_nothing()
    {
        var grant = GrantOf("alice", "t");
        _world.AddUser("new");
        Assert.Equal(AuthError.OldRevision, _world.Send(null, grant).Error);
        Assert.Equal(0, Tokens.Count);
        _world.Do(new AuthDisableRequest());
        Assert.Equal(AuthError.NotEnabled, Grant("alice", "t").Error);
    }

    [Fact]
    public void Tokens_go_with_the_password_the_user_and_with_authentication()
    {
        GrantAll();
        _world.Do(new AuthUserChangePasswordRequest { Name = "alice" });
        Assert.Equal((null, "bob"), (Use("alice"), Use("bob")));
        GrantAll();
        _world.Do(new AuthUserDeleteRequest { Name = "bob" });
        Assert.Equal(("alice", null), (Use("alice"), Use("bob")));
        Grant("root", "root");
        _world.Do(new AuthDisableRequest());
        Assert.Equal(0, Tokens.Count);
    }

    [Fact]
    public void A_snapshot_that_steps_over_commands_leaves_no_token()
    {
        GrantAll();
        _world.Store.Store.Reload();
        Assert.Equal(0, Tokens.Count);
    }

    [Fact]
    public void Another_user_gets_no_answer_out_of_a_session()
    {
        var session = Open("alice");
        var first = Put("alice", session, "a1");
        Assert.Null(first.Error);

        Assert.Equal(first, Put("alice", session, "a1"));
        Assert.Equal(AuthError.PermissionDenied, Put("bob", session, "b1").Error);
        Assert.Equal(AuthError.PermissionDenied, Put("bob", session, "a1").Error);
        Assert.Equal(AuthError.PermissionDenied, _world.Ask("bob", new KeepAliveSessionRequest { Session = session }));
        Assert.Equal(AuthError.PermissionDenied, _world.Ask("bob", new CloseSessionRequest { Session = session }));
        Assert.Equal(AuthError.UserEmpty, _world.Ask("", new OpenSessionRequest()));
        Assert.Equal(AuthError.PermissionDenied, _world.Ask("made up", new OpenSessionRequest()));
        Assert.Null(_world.Ask("alice", new CloseSessionRequest { Session = session }));
    }

    [Fact]
    public void A_session_from_before_authentication_belongs_to_the_first_user_who_uses_it()
    {
        _world.Do(new AuthDisableRequest());
        var session = Open("");
        _world.Do(new AuthEnableRequest());

        Assert.Null(Put("alice", session, "a1").Error);
        Assert.Equal(AuthError.PermissionDenied, Put("bob", session, "b1").Error);
    }

    [Fact]
    public void A_retry_by_a_user_who_lost_the_permission_gets_no_answer()
    {
        var session = Open("alice");
        Assert.Null(Put("alice", session, "a1").Error);
        _world.Do(new AuthUserRevokeRoleRequest { Name = "alice", Role = "alice" });
        Assert.Equal(AuthError.PermissionDenied, Put("alice", session, "a1").Error);
    }

    private void GrantAll()
    {
        Grant("alice", "alice");
        Grant("bob", "bob");
    }

    private string? Use(string token) => Tokens.Use(token, _world.NowUnixMs, TtlMs);

    private CommandResult Grant(string user, string token) => _world.Send(null, GrantOf(user, token));

    private TokenGrant GrantOf(string user, string token) => new() { User = user, Token = token, AuthRevision = _world.Auth.Revision };

    private ulong Open(string user) => Assert.IsType<OpenSessionResponse>(_world.Send(_world.As(user), new OpenSessionRequest()).Response).Session;

    private CommandResult Put(string user, ulong session, string key) => _world.Send(
        _world.As(user),
        new PutRequest { Key = Bytes(key), Value = Bytes("1") },
        new SessionStamp { Session = session, Sequence = 1 });
}
