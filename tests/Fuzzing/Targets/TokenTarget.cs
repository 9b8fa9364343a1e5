using System.Text;
using Raft.InMemory;
using Raft.KeyValue;
using Raft.KeyValue.Auth;
using Raft.Protocol.V1;
using Raft.Server.Authentication;
using Raft.Server.Options;

namespace Raft.Fuzzing.Tests.Targets;

/// <summary>What a client sends as its token. By the first byte: a signed one, or a random one.</summary>
internal sealed class TokenTarget : IFuzzTarget
{
    private const long NowMs = 1_750_000_000_000;
    private const string Random = "abcdefghijklmnopqrstuvwxyzABCDEF";

    /// <summary>Of these tests alone, and always the same, so that a token that was kept is valid in every run.</summary>
    private static readonly string Secret = new('s', 64);

    private static readonly AuthIdentity[] Given = [new() { User = "alice", AuthRevision = 7 }, new() { User = "bob", AuthRevision = long.MaxValue }];

    private readonly Lazy<SignedTokens> _signed = new(Signed);
    private readonly Lazy<KeyValueStore> _store = new(WithToken);

    public string Name => "token";

    public long AllocationBytesMax => 32 << 20;

    public IEnumerable<(string Name, byte[] Input)> RealInputs()
    {
        foreach (var identity in Given)
            yield return ($"signed-{identity.User}", [0, .. Encoding.ASCII.GetBytes(_signed.Value.Issue(identity.User, identity.AuthRevision))]);

        // Signed by nobody.
        var none = Base64("""{"alg":"none","typ":"JWT"}""") + "." + Base64("""{"username":"root","revision":1}""") + ".";
        yield return ("unsigned", [0, .. Encoding.ASCII.GetBytes(none)]);
        yield return ("encrypted", [0, .. Encoding.ASCII.GetBytes(Base64("""{"alg":"dir","enc":"A128CBC-HS256"}""") + "..AAAA.AAAA.AAAA")]);
        yield return ("random", [1, .. Encoding.ASCII.GetBytes(Random)]);
    }

    public string Run(byte[] input)
    {
        var token = Encoding.Latin1.GetString(input.AsSpan(Math.Min(1, input.Length)));
        return (input.Length > 0 ? input[0] % 2 : 0) == 0 ? Read(_signed.Value, token) : Look(_store.Value, token);
    }

    private static string Read(SignedTokens tokens, string token) => tokens.ReadAsync(token).GetAwaiter().GetResult() switch
    {
        null => "refused (signed)",
        var identity when Given.Contains(identity) => "taken",
        var identity => throw new FuzzFindingException($"a token that was never given stands for {identity}"),
    };

    private static string Look(KeyValueStore store, string token) => store.Tokens.Use(token, NowMs, ttlMs: 1000) switch
    {
        null => "refused (random)",
        "root" when token == Random => "taken",
        var user => throw new FuzzFindingException($"a token that was never given stands for {user}"),
    };

    private static SignedTokens Signed()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, Secret);
            return new SignedTokens(new TokenSettings("HS256", "", file, TimeSpan.FromDays(36_500)), TimeProvider.System);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static KeyValueStore WithToken()
    {
        var store = new KeyValueStore(new InMemoryOrderedStore());
        var transaction = store.Begin();
        transaction.Apply(new() { AuthUserAdd = new() { Name = AuthState.Root, Options = new() { NoPassword = true } } });
        transaction.Apply(new() { AuthUserGrantRole = new() { User = AuthState.Root, Role = AuthState.Root } });
        transaction.Apply(new() { AuthEnable = new() });
        transaction.Apply(new() { GrantToken = new() { User = AuthState.Root, Token = Random, AuthRevision = 3 }, TimeUnixMs = NowMs });
        transaction.Commit();
        return store;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
