using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Raft.Protocol.V1;
using Raft.Server.Membership;
using Raft.Server.Options;

namespace Raft.Server.Authentication;

/// <summary>
/// Tokens that say themselves whose they are and since when (etcd: --auth-token=jwt): JSON Web Tokens with the claims username,
/// revision (of the auth store) and exp. Nobody remembers them, so none can be taken back; but one that is older than the last
/// change of users or roles is refused where keys are read or written.
/// </summary>
internal sealed class SignedTokens
{
    private const string UserClaim = "username";
    private const string RevisionClaim = "revision";

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly TokenSettings _settings;
    private readonly TokenValidationParameters _validation;
    private readonly SigningCredentials? _credentials;
    private readonly TimeProvider _time;

    /// <exception cref="CannotStartException">The key files cannot be used.</exception>
    public SignedTokens(TokenSettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        SecurityKey key;
        try
        {
            key = ReadKey(settings);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new CannotStartException($"The keys of --auth-token cannot be used with {settings.SignMethod}: {error.Message}");
        }

        _credentials = settings.PrivateKeyFile.Length > 0 ? new SigningCredentials(key, settings.SignMethod) : null;
        _validation = new TokenValidationParameters
        {
            ValidateIssuer = false,
            ValidateAudience = false,
            RequireExpirationTime = false,
            ClockSkew = TimeSpan.Zero,
            ValidAlgorithms = [settings.SignMethod],
            IssuerSigningKey = key,
        };
        if (CanIssue)
        {
            TryOut();
        }
    }

    /// <summary>False: there is only a public key, so tokens come from elsewhere.</summary>
    public bool CanIssue => _credentials is not null;

    /// <summary>A token for a user whose password was right as of a revision of the auth store.</summary>
    public string Issue(string user, ulong revision) => _handler.CreateToken(new SecurityTokenDescriptor
    {
        Claims = new Dictionary<string, object> { [UserClaim] = user, [RevisionClaim] = (long)revision },
        Expires = (_time.GetUtcNow() + _settings.Ttl).UtcDateTime,
        SigningCredentials = _credentials,
    });

    /// <summary>Whose token it is; null: nobody's, or it has expired.</summary>
    public async Task<AuthIdentity?> ReadAsync(string token)
    {
        var result = await _handler.ValidateTokenAsync(token, _validation);
        return result.IsValid
            && result.Claims.TryGetValue(UserClaim, out var user) && user is string name
            && result.Claims.TryGetValue(RevisionClaim, out var revision)
            && ulong.TryParse(Convert.ToString(revision, CultureInfo.InvariantCulture), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new AuthIdentity { User = name, AuthRevision = number }
            : null;
    }

    /// <summary>A key that is too short for its method is found out now, rather than by the first client.</summary>
    private void TryOut()
    {
        try
        {
            Issue("", 0);
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException or InvalidOperationException or CryptographicException)
        {
            throw new CannotStartException($"The keys of --auth-token cannot be used with {_settings.SignMethod}: {error.Message}");
        }
    }

    private static SecurityKey ReadKey(TokenSettings settings) => settings.SignMethod[..2] switch
    {
        "HS" => new SymmetricSecurityKey(File.ReadAllBytes(settings.PrivateKeyFile)),
        "ES" => new ECDsaSecurityKey(ReadKey(settings, ECDsa.Create, static certificate => certificate.GetECDsaPublicKey())),
        _ => new RsaSecurityKey(ReadKey(settings, RSA.Create, static certificate => certificate.GetRSAPublicKey())),
    };

    /// <summary>The private key, if there is one; the public key must be its other half.</summary>
    private static TKey ReadKey<TKey>(TokenSettings settings, Func<TKey> create, Func<X509Certificate2, TKey?> ofCertificate)
        where TKey : AsymmetricAlgorithm
    {
        TKey? privateKey = null, publicKey = null;
        if (settings.PrivateKeyFile.Length > 0)
        {
            privateKey = create();
            privateKey.ImportFromPem(File.ReadAllText(settings.PrivateKeyFile));
        }

        if (settings.PublicKeyFile.Length > 0)
        {
            publicKey = ReadPublicKey(File.ReadAllText(settings.PublicKeyFile), create, ofCertificate);
        }

        if (privateKey is not null && publicKey is not null
            && !privateKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey.ExportSubjectPublicKeyInfo()))
        {
            throw new ArgumentException("public and private key do not belong together");
        }

        return privateKey ?? publicKey!;
    }

    private static TKey ReadPublicKey<TKey>(string pem, Func<TKey> create, Func<X509Certificate2, TKey?> ofCertificate)
        where TKey : AsymmetricAlgorithm
    {
        if (pem.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal))
        {
            using var certificate = X509Certificate2.CreateFromPem(pem);
            return ofCertificate(certificate) ?? throw new ArgumentException("the certificate's key is of another kind");
        }

        var key = create();
        key.ImportFromPem(pem);
        return key;
    }
}

/// <summary>The signed tokens, if there are any.</summary>
internal sealed record TokenSigning(SignedTokens? Signed);
