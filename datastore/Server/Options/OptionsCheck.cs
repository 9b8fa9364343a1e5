namespace Raft.Server.Options;

/// <summary>Fills in what follows from other settings, and checks what must hold between them.</summary>
internal static class OptionsCheck
{
    public static ServerOptions Complete(ServerOptions options, List<string> problems)
    {
        options = options with
        {
            DataDirectory = options.DataDirectory.Length > 0 ? options.DataDirectory : options.Name + ".raft",
            AdvertiseClientUrls = options.AdvertiseClientUrls.Count > 0 ? options.AdvertiseClientUrls : options.ListenClientUrls,
            AdvertisePeerUrls = options.AdvertisePeerUrls.Count > 0 ? options.AdvertisePeerUrls : options.ListenPeerUrls,
        };
        if (options.InitialCluster.Count == 0)
        {
            options = options with
            {
                InitialCluster = [.. options.AdvertisePeerUrls.Select(url => (options.Name, SettingList.Canonical(url)))],
            };
        }

        void Demand(bool holds, string problem)
        {
            if (!holds)
            {
                problems.Add(problem);
            }
        }

        Demand(options.Name.Length > 0, "--name: must not be empty");
        Demand(options.ListenClientUrls.Count > 0, "--listen-client-urls: at least one URL is needed");
        Demand(options.ListenPeerUrls.Count > 0, "--listen-peer-urls: at least one URL is needed");
        Demand(
            options.ElectionTimeout >= 5 * options.HeartbeatInterval,
            $"--election-timeout: {options.ElectionTimeout.TotalMilliseconds:0} ms must be at least five times --heartbeat-interval ({options.HeartbeatInterval.TotalMilliseconds:0} ms)");
        Demand(options.ElectionTimeout <= TimeSpan.FromSeconds(50), "--election-timeout: must not be above 50000 ms");
        foreach (var url in options.AdvertiseClientUrls.Concat(options.AdvertisePeerUrls))
        {
            Demand(url.Host is not ("0.0.0.0" or "[::]"), $"{url.OriginalString} cannot be reached by others: advertise a host name or address");
        }

        Check("", options.ClientTls, options.ListenClientUrls);
        Check("peer-", options.PeerTls, options.ListenPeerUrls);
        if (options.InitialClusterState == InitialClusterState.New)
        {
            var own = options.InitialCluster.Where(member => member.Name == options.Name).Select(member => member.PeerUrl).Order();
            var advertised = options.AdvertisePeerUrls.Select(SettingList.Canonical).Order();
            Demand(
                own.SequenceEqual(advertised),
                $"--initial-cluster: must name {options.Name} with the URLs of --initial-advertise-peer-urls ({string.Join(',', advertised)})");
        }

        return options;

        void Check(string side, TlsFiles tls, IReadOnlyList<Uri> urls)
        {
            Demand((tls.CertificateFile.Length > 0) == (tls.KeyFile.Length > 0), $"--{side}cert-file and --{side}key-file: give both or neither");
            Demand(
                !tls.RequireClientCertificate || tls.TrustedCaFile.Length > 0,
                $"--{side}client-cert-auth: needs --{side}trusted-ca-file to judge certificates by");
            var allowed = tls.Allowed.CommonNames.Count > 0 ? $"{side}cert-allowed-cn" : $"{(side.Length > 0 ? side : "client-")}cert-allowed-hostname";
            Demand(
                tls.Allowed.CommonNames.Count == 0 || tls.Allowed.HostNames.Count == 0,
                $"--{side}cert-allowed-cn and --{side}cert-allowed-hostname: give one of them");
            Demand(
                !tls.Allowed.IsLimited || tls.RequireClientCertificate,
                $"--{allowed}: needs --{side}client-cert-auth, without which no certificate is looked at");
            var secure = urls.Any(url => url.Scheme == "https");
            // Clients may have an URL of this machine beside, as in etcd. Whoever gets in as a member is believed everything.
            Demand(
                !tls.Allowed.IsLimited || (secure && (side.Length == 0 || urls.All(url => url.Scheme == "https"))),
                $"--{allowed}: whoever comes by http shows no certificate; listen on https");
            Demand(!secure || tls.IsEnabled, $"--listen-{(side.Length > 0 ? "peer" : "client")}-urls: https needs --{side}cert-file and --{side}key-file");
            Demand(secure || !tls.IsEnabled || urls.Count == 0, $"--{side}cert-file: given, but no URL listened on is https");
            foreach (var file in new[] { tls.CertificateFile, tls.KeyFile, tls.TrustedCaFile }.Where(file => file.Length > 0))
            {
                Demand(File.Exists(file), $"'{file}' does not exist");
            }
        }
    }
}
