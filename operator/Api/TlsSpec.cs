using KubeOps.Abstractions.Entities.Attributes;

namespace Raft.Operator.Api;

/// <summary>Certificates between members, and between clients and members.</summary>
[ValidationRule(
    "self.enabled == oldSelf.enabled",
    message: "encryption cannot be turned on or off in a running cluster: members of one kind would not reach those of the other")]
[ValidationRule(
    "has(self.serverSecretName) == has(self.peerSecretName) && has(self.serverSecretName) == has(self.operatorSecretName)",
    message: "name all three secrets or none")]
public sealed class TlsSpec
{
    [Description("Whether members and clients prove who they are and encrypt what they say. It cannot be changed later.")]
    [DefaultValue(true)]
    public bool Enabled { get; set; } = true;

    [Description("Secret (tls.crt, tls.key, ca.crt) that members show to clients. If absent, the operator issues and renews it.")]
    [Length(maxLength: 253)]
    public string? ServerSecretName { get; set; }

    [Description("Secret (tls.crt, tls.key, ca.crt) that members show each other. If absent, the operator issues and renews it. "
        + "Whoever has a certificate of the authority in ca.crt is taken for a member, so it should be one that signs for nobody else.")]
    [Length(maxLength: 253)]
    public string? PeerSecretName { get; set; }

    [Description("Secret (tls.crt, tls.key, ca.crt) with which the operator itself talks to members. If absent, the operator issues and renews it.")]
    [Length(maxLength: 253)]
    public string? OperatorSecretName { get; set; }

    [Description("Lifetime of certificates that the operator issues, in days; they are renewed after two thirds of it.")]
    [RangeMinimum(1)]
    [RangeMaximum(3650)]
    [DefaultValue(90)]
    public int CertificateDays { get; set; } = 90;

    [Description("Lifetime of the operator's certificate authorities, in days; each is replaced after two thirds of it.")]
    [RangeMinimum(3)]
    [RangeMaximum(36500)]
    [DefaultValue(3650)]
    public int AuthorityDays { get; set; } = 3650;

    [Description("Further DNS names or IP addresses by which clients reach the members.")]
    public IList<string>? ExtraSubjectNames { get; set; }
}
