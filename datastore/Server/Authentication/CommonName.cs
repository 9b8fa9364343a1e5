using System.Security.Cryptography.X509Certificates;

namespace Raft.Server.Authentication;

/// <summary>The common name of a certificate's subject: a client's user, or what a member is known by.</summary>
internal static class CommonName
{
    private const string Oid = "2.5.4.3";

    /// <summary>Empty if there is none. Of several the last one in the certificate counts, as in etcd.</summary>
    public static string Of(X509Certificate2 certificate) => certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false)
        .LastOrDefault(static part => !part.HasMultipleElements && part.GetSingleElementType().Value == Oid)
        ?.GetSingleElementValue() ?? "";
}
