# One node: a network namespace joined to the machine by a bridge, and mounts of its own, with containerd, a kubelet and
# kube-proxy in them. Cgroups are the machine's (`ip netns exec` would hide them from the kubelet).
# shellcheck shell=bash
# shellcheck disable=SC2154

node_folder() { echo "$state/node$1"; }
namespace() { echo "raft-node$1"; }
containerd_socket() { echo "$state/node$1/containerd.sock"; }

# enter NUMBER: the words that run the command after them inside the node
enter() { echo nsenter --net="/run/netns/$(namespace "$1")" --mount="/proc/$(process_of "node$1-mounts")/ns/mnt"; }

node_up() {
  local number=$1 name=node$1
  is_running "$name-kubelet" || progress "starting $name"
  mkdir -p "$(node_folder "$number")"/{containerd,kubelet,cni,pod-logs}
  node_network_up "$number"
  node_mounts_up "$number"
  certificate "$name" "/O=system:nodes/CN=system:node:$name" "DNS:$name,IP:$(node_address "$number")"
  kubeconfig "$name"
  node_settings "$number"
  start_containerd "$number"
  make_cgroups "$name"
  # shellcheck disable=SC2046
  start "$name-kubelet" $(enter "$number") "$binaries/kubelet" \
    --kubeconfig="$state/$name.kubeconfig" --config="$(node_folder "$number")/kubelet.yaml" --root-dir="$(node_folder "$number")/kubelet" \
    --hostname-override="$name" --node-ip="$(node_address "$number")" --node-labels="topology.kubernetes.io/zone=zone$number" \
    --container-runtime=remote --container-runtime-endpoint="unix://$(containerd_socket "$number")"
  # shellcheck disable=SC2046
  start "$name-proxy" $(enter "$number") "$binaries/kube-proxy" --config="$(node_folder "$number")/proxy.yaml"
}

# Without a goodbye: the kubelet first, so that it cannot restart or report anything, then every container.
node_halt() {
  SIGNAL=KILL stop "node$1-kubelet" "node$1-containerd"
  kill_containers "$1"
}

node_down() {
  local number=$1 name=node$1
  stop "$name-proxy" "$name-kubelet"
  kill_containers "$number"
  stop "$name-containerd" "$name-mounts"
  ip netns delete "$(namespace "$number")" 2> /dev/null || true
  ip link delete "$(namespace "$number")" 2> /dev/null || true
}

# A shim is the parent of its containers' first processes, and killing a container's first process ends all in it.
kill_containers() {
  local shim
  for shim in $(pgrep -f "containerd-shim.* -address $(containerd_socket "$1")"); do
    pgrep -P "$shim" | xargs -r kill -KILL 2> /dev/null || true
    kill -KILL "$shim" 2> /dev/null || true
  done
}

# container_processes NODE_NUMBER NAMESPACE POD: the first process of each of the pod's containers, not of its sandbox
container_processes() {
  local ctr=(ctr --address "$(containerd_socket "$1")" --namespace k8s.io) container
  for container in $("${ctr[@]}" containers list --quiet "labels.\"io.kubernetes.pod.namespace\"==$2,labels.\"io.kubernetes.pod.name\"==$3,labels.\"io.cri-containerd.kind\"==container"); do
    "${ctr[@]}" tasks list | awk -v container="$container" '$1 == container && $3 == "RUNNING" { print $2 }'
  done
}

node_image_digest() { ctr --address "$(containerd_socket "$1")" --namespace k8s.io images list | awk -v image="$2" '$1 == image { print $3 }'; }
node_has_image() { [ -n "$(node_image_digest "$1" "$2")" ]; }

# A kubelet removes the logs of pods that are not its own, and their place cannot be set; containerd keeps the pods' network
# namespaces mounted. Each node therefore has its own view of both folders, which ends with the node's last process.
node_mounts_up() {
  local number=$1 name=node$1-mounts
  # shellcheck disable=SC2016
  start "$name" unshare --mount --propagation slave sh -c \
    'mkdir -p /var/log/pods && mount --bind "$1" /var/log/pods && mount -t tmpfs tmpfs /run/netns && exec sleep infinity' \
    sh "$(node_folder "$number")/pod-logs"
  await 10 "the mounts of node$number" grep -q ' /run/netns .* tmpfs ' "/proc/$(process_of "$name")/mountinfo"
}

node_network_up() {
  local number=$1 space link other
  space=$(namespace "$number")
  link=$space
  if ! ip netns list | grep -qw "$space"; then
    ip netns add "$space"
    ip link add "$link" type veth peer name eth0 netns "$space"
    ip -n "$space" addr add "$(node_address "$number")/24" dev eth0
    ip -n "$space" link set lo up
    ip -n "$space" link set eth0 up
    ip -n "$space" route add default via "$control_address"
    ip netns exec "$space" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
  fi
  ip link set "$link" master "$bridge" up
  ip route replace "$pod_network.$number.0/24" via "$(node_address "$number")"
  for other in $(node_numbers); do
    [ "$other" = "$number" ] || ip -n "$space" route replace "$pod_network.$other.0/24" via "$(node_address "$other")"
  done
}

start_containerd() {
  local number=$1 socket
  socket=$(containerd_socket "$number")
  # shellcheck disable=SC2046
  start "node$number-containerd" $(enter "$number") containerd --config "$(node_folder "$number")/containerd.toml"
  await 60 "containerd of node$number" ctr --address "$socket" version
  node_has_image "$number" "$pause_image" || ctr --address "$socket" --namespace k8s.io images import "$kubernetes_home/pause.tar" > /dev/null
}

# Every node's pods live below a cgroup of the node's name. Version 1 has one tree for each controller, version 2 one in all.
make_cgroups() {
  local tree file
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p "/sys/fs/cgroup/$1"
    for file in /sys/fs/cgroup/cgroup.subtree_control "/sys/fs/cgroup/$1/cgroup.subtree_control"; do
      sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers > "$file" 2> /dev/null || true
    done
    return
  fi
  for tree in /sys/fs/cgroup/*/; do mkdir -p "$tree$1" 2> /dev/null || true; done
  for file in cpuset.cpus cpuset.mems; do cat "/sys/fs/cgroup/cpuset/$file" > "/sys/fs/cgroup/cpuset/$1/$file"; done
}

node_settings() {
  local number=$1 name=node$1 folder
  folder=$(node_folder "$number")
  echo "nameserver $control_address" > "$folder/resolv.conf"
  cat > "$folder/cni/10-bridge.conflist" <<JSON
{ "cniVersion": "0.3.1", "name": "$name", "plugins": [
  { "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
    "ipam": { "type": "host-local", "dataDir": "$folder/addresses",
      "ranges": [[{ "subnet": "$pod_network.$number.0/24" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
  { "type": "portmap", "capabilities": { "portMappings": true } } ] }
JSON
  # Where the machine may not lower an out-of-memory score (no CAP_SYS_RESOURCE), containerd must not try.
  cat > "$folder/containerd.toml" <<TOML
version = 2
root = "$folder/containerd/root"
state = "$folder/containerd/state"
[grpc]
address = "$folder/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$pause_image"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$folder/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
TOML
  cat > "$folder/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/$name.crt
tlsPrivateKeyFile: $pki/$name.key
clusterDomain: cluster.local
clusterDNS: [$control_address]
resolvConf: $folder/resolv.conf
cgroupDriver: cgroupfs
cgroupRoot: /$name
failSwapOn: false
nodeStatusUpdateFrequency: 3s
serializeImagePulls: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
YAML
  cat > "$folder/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $state/proxy.kubeconfig}
clusterCIDR: $pod_network.0.0/16
hostnameOverride: $name
mode: iptables
conntrack: {maxPerCore: 0, tcpCloseWaitTimeout: 0s, tcpEstablishedTimeout: 0s}
YAML
}

# What a kubelet wrote before it was last started does not count: after a restart the old word still stands for a while.
node_ready() {
  local ready heard
  read -r ready heard < <(KUBECONFIG=$admin_kubeconfig kubectl get node "node$1" \
    -o 'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{"\n"}{end}')
  [ "$ready" = True ] && [ "$(date -d "$heard" +%s)" -ge "$(date -r "$state/pids/node$1-kubelet" +%s)" ]
}

await_nodes() {
  local number
  for number in $(node_numbers); do await 120 "node$number ready" node_ready "$number"; done
}
