using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Raft.Server.Options;

namespace Raft.Server.Hosting;

/// <summary>
/// Certificates from files, read again when their content changes: a renewed certificate is used for the next connection,
/// without a restart. A file that is broken at that moment is reported and the last good one stays in use.
/// </summary>
internal sealed class CertificateFiles
{
    // RFC 5280, section 4.2.1.12: what a certificate may be shown for; one that does not say may be shown for anything.
    private static readonly Oid ForServers = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ForClients = new("1.3.6.1.5.5.7.3.2");

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);

    private readonly TlsFiles _files;
    private readonly ILogger _logger;
    private readonly Lock _reading = new();
    private Loaded _loaded;
    private long _lastLook;

    /// <exception cref="CertificateException">A file cannot be read, or certificate and key do not belong together.</exception>
    public CertificateFiles(TlsFiles files, ILogger logger)
    {
        _files = files;
        _logger = logger;
        _loaded = Load();
        _lastLook = Environment.TickCount64;
    }

    private sealed record Loaded(string Text, SslStreamCertificateContext Certificate, X509Certificate2Collection Authorities);

    /// <summary>For a server: the certificate to show, and how to judge the caller's.</summary>
    public SslServerAuthenticationOptions ForServer(bool onlyHttp2)
    {
        var now = Current();
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = now.Certificate,
            ClientCertificateRequired = _files.RequireClientCertificate,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                !_files.RequireClientCertificate
                || (certificate is X509Certificate2 shown && IsTrusted(shown, chain, now, ForClients) && IsAllowed(shown)),
            ApplicationProtocols = onlyHttp2
                ? [SslApplicationProtocol.Http2]
                : [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        };
    }

    /// <summary>
    /// For a client that calls another member: shows the same certificate, trusts the same authorities, and, as in etcd, takes for a
    /// member whom it would let in as one.
    /// </summary>
    public SslClientAuthenticationOptions ForClient()
    {
        var now = Current();
        return new SslClientAuthenticationOptions
        {
            ClientCertificateContext = now.Certificate,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                certificate is X509Certificate2 shown
                && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0
                && (now.Authorities.Count == 0 ? errors == SslPolicyErrors.None : IsTrusted(shown, chain, now, ForServers))
                && IsAllowed(shown),
        };
    }

    /// <summary>Whether a certificate that is trusted has a name that is allowed.</summary>
    private bool IsAllowed(X509Certificate2 certificate)
    {
        var isAllowed = _files.Allowed.Admit(certificate);
        if (!isAllowed)
        {
            _logger.CertificateNotAllowed(certificate.Subject, _files.TrustedCaFile);
        }

        return isAllowed;
    }

    private static bool IsTrusted(X509Certificate2 certificate, X509Chain? presented, Loaded now, Oid use)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(now.Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(use);
        if (presented is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainElements.Select(element => element.Certificate).ToArray());
        }

        return chain.Build(certificate);
    }

    private Loaded Current()
    {
        lock (_reading)
        {
            if (Environment.TickCount64 - _lastLook < LookAgainAfter.TotalMilliseconds)
            {
                return _loaded;
            }

            _lastLook = Environment.TickCount64;
            try
            {
                if (ReadText() != _loaded.Text)
                {
                    _loaded = Load();
                    _logger.CertificateReloaded(_files.CertificateFile);
                }
            }
            catch (CertificateException error)
            {
                _logger.CertificateNotReloaded(_files.CertificateFile, error.Message);
            }

            return _loaded;
        }
    }

    private Loaded Load()
    {
        try
        {
            var text = ReadText();
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(_files.CertificateFile);
            var leaf = X509Certificate2.CreateFromPemFile(_files.CertificateFile, _files.KeyFile);
            certificates.RemoveAt(0);
            var authorities = new X509Certificate2Collection();
            if (_files.TrustedCaFile.Length > 0)
            {
                authorities.ImportFromPemFile(_files.TrustedCaFile);
            }

            return new Loaded(text, SslStreamCertificateContext.Create(leaf, certificates, offline: true), authorities);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new CertificateException(
                $"The certificate '{_files.CertificateFile}' cannot be used with the key '{_files.KeyFile}' and the authorities "
                + $"'{_files.TrustedCaFile}': {error.Message}", error);
        }
    }

    private string ReadText()
    {
        try
        {
            return string.Concat(
                new[] { _files.CertificateFile, _files.KeyFile, _files.TrustedCaFile }.Where(file => file.Length > 0).Select(File.ReadAllText));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException($"A certificate file cannot be read: {error.Message}", error);
        }
    }
}

/// <summary>Certificates that cannot be used; the message says which and why.</summary>
internal sealed class CertificateException(string message, Exception cause) : Exception(message, cause);
