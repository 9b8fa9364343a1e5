using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Raft.Server.Authentication;

namespace Raft.Server.Options;

/// <summary>
/// Which of the certificates that the trusted authorities signed are accepted (etcd: --peer-cert-allowed-cn and its like): those with
/// one of the names. Without names, all of them.
/// </summary>
/// <param name="CommonNames">Common names of the subject, compared letter by letter.</param>
/// <param name="HostNames">Host names and addresses, of which the certificate has to cover one, by its subject alternative names.</param>
internal sealed record AllowedNames(IReadOnlyList<string> CommonNames, IReadOnlyList<string> HostNames)
{
    public static AllowedNames Any { get; } = new([], []);

    public bool IsLimited => CommonNames.Count > 0 || HostNames.Count > 0;

    public bool Admit(X509Certificate2 certificate)
    {
        if (!IsLimited)
        {
            return true;
        }

        try
        {
            return CommonNames.Any(name => name == CommonName.Of(certificate))
                || HostNames.Any(name => certificate.MatchesHostname(name, allowWildcards: true, allowCommonName: false));
        }
        catch (CryptographicException)
        {
            return false; // its names cannot be read
        }
    }
}
