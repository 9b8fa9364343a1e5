namespace Raft.Server.Options;

/// <summary>
/// How tokens of users are made (etcd: --auth-token): random ones that every member keeps in memory, or signed ones (JSON Web
/// Token, RFC 7519) that carry their user and need no memory.
/// </summary>
/// <param name="SignMethod">The algorithm's name in JWS (RFC 7518), RS256 for example; empty: tokens are random.</param>
/// <param name="PublicKeyFile">Verifies tokens; needed only where there is no private key.</param>
/// <param name="PrivateKeyFile">Signs and verifies; of HS256 and its kin, the shared secret.</param>
/// <param name="Ttl">How long a signed token is valid.</param>
internal sealed record TokenSettings(string SignMethod, string PublicKeyFile, string PrivateKeyFile, TimeSpan Ttl)
{
    public static readonly TokenSettings Simple = new("", "", "", TimeSpan.Zero);

    private static readonly string[] SignMethods =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512"];

    public bool IsSigned => SignMethod.Length > 0;

    /// <exception cref="SettingException">It makes no sense; the message says what would.</exception>
    public static TokenSettings Parse(string text)
    {
        var parts = text.Split(',');
        var values = new Dictionary<string, string>();
        foreach (var part in parts.Skip(1))
        {
            if (part.Split('=') is not [var name, var value] || !values.TryAdd(name, value))
            {
                throw new SettingException($"'{part}' is no option of its own; write name=value, each name once");
            }
        }

        return parts[0] switch
        {
            "simple" when values.Count == 0 => Simple,
            "simple" => throw new SettingException("simple takes no further options"),
            "jwt" => Signed(values),
            _ => throw new SettingException($"'{parts[0]}' is neither simple nor jwt"),
        };
    }

    private static TokenSettings Signed(Dictionary<string, string> values)
    {
        string Take(string name) => values.Remove(name, out var value) ? value : "";

        var (method, publicKey, privateKey, ttl) = (Take("sign-method"), Take("pub-key"), Take("priv-key"), Take("ttl"));
        if (values.Count > 0)
        {
            throw new SettingException($"jwt knows sign-method, pub-key, priv-key and ttl, but not {string.Join(", ", values.Keys)}");
        }

        if (!SignMethods.Contains(method))
        {
            throw new SettingException($"sign-method must be one of {string.Join(", ", SignMethods)}");
        }

        if (privateKey.Length == 0 && (publicKey.Length == 0 || method.StartsWith("HS", StringComparison.Ordinal)))
        {
            throw new SettingException("priv-key names no file; without it tokens can be verified (pub-key) but not made, and not at all with HS256 and its kin");
        }

        foreach (var file in new[] { publicKey, privateKey }.Where(file => file.Length > 0 && !File.Exists(file)))
        {
            throw new SettingException($"'{file}' does not exist");
        }

        return new TokenSettings(method, publicKey, privateKey, ttl.Length == 0 ? TimeSpan.FromMinutes(5) : Duration(ttl));
    }

    private static TimeSpan Duration(string text) =>
        GoDuration.TryParse(text) is { TotalSeconds: >= 1 } ttl
            ? ttl
            : throw new SettingException($"ttl '{text}' must be a duration of a second or more: 90s, 10m, 1h30m");
}
