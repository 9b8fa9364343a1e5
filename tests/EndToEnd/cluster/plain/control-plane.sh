# The API server with its store, the controllers and the scheduler, on the machine itself; and the two services that a cluster
# gets elsewhere from add-ons: names (name-server.sh) and volumes (volumes.sh).
# shellcheck shell=bash
# shellcheck disable=SC2154

control_plane_processes=(volumes name-records name-server scheduler controller-manager api-server "${store_processes[@]}")

network_up() {
  ip link show "$bridge" > /dev/null 2>&1 || ip link add "$bridge" type bridge
  ip addr replace "$control_address/24" dev "$bridge"
  ip link set "$bridge" up
  echo 1 > /proc/sys/net/ipv4/ip_forward
}

network_down() { ip link delete "$bridge" 2> /dev/null || true; }

api_ready() { KUBECONFIG=$admin_kubeconfig kubectl get --raw /readyz; }

control_plane_up() {
  control_plane_certificates
  is_running api-server || progress 'starting the control plane'
  start_store
  start_api_server
  await 120 'API server ready' api_ready
  start_controllers
  export KUBECONFIG=$admin_kubeconfig
  start name-server dnsmasq --keep-in-foreground --user=root --port=53 --listen-address="$control_address" --bind-interfaces \
    --no-resolv --no-hosts --addn-hosts="$(touch "$state/names"; echo "$state/names")" --local=/cluster.local/ --local=/svc/ --local-ttl=1 --pid-file=
  start name-records "$plain/name-records.sh" "$state/names" "$state/pids/name-server"
  start volumes "$plain/volumes.sh" "$state/volumes"
}

control_plane_down() { stop "${control_plane_processes[@]}"; }

start_api_server() {
  start api-server "$binaries/kube-apiserver" \
    --etcd-servers="$(store_endpoints)" --service-cluster-ip-range="$service_network" \
    --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$control_address" \
    --tls-cert-file="$pki/api-server.crt" --tls-private-key-file="$pki/api-server.key" --client-ca-file="$pki/ca.crt" \
    --kubelet-client-certificate="$pki/api-server-to-kubelet.crt" --kubelet-client-key="$pki/api-server-to-kubelet.key" \
    --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$pki/service-accounts.pub" --service-account-signing-key-file="$pki/service-accounts.key" \
    --authorization-mode=Node,RBAC --allow-privileged=true
}

# A node is called lost after 15 s rather than 40, so that the tests which lose one need not wait so long.
start_controllers() {
  start controller-manager "$binaries/kube-controller-manager" \
    --kubeconfig="$state/controller-manager.kubeconfig" --authentication-kubeconfig="$state/controller-manager.kubeconfig" \
    --authorization-kubeconfig="$state/controller-manager.kubeconfig" --use-service-account-credentials=true \
    --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/service-accounts.key" \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
    --service-cluster-ip-range="$service_network" --leader-elect=false \
    --node-monitor-period=2s --node-monitor-grace-period=15s
  start scheduler "$binaries/kube-scheduler" --leader-elect=false --kubeconfig="$state/scheduler.kubeconfig" \
    --authentication-kubeconfig="$state/scheduler.kubeconfig" --authorization-kubeconfig="$state/scheduler.kubeconfig"
}
