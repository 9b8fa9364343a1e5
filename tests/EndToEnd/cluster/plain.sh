# Three nodes of our own on this machine, without Docker: the control plane and two small services (names, volumes) run
# beside each other, and every node is a network namespace with its own containerd, kubelet and kube-proxy.
# shellcheck shell=bash
# shellcheck disable=SC2154

plain=$here/plain
repository=$(cd "$here/../../.." && pwd)
# shellcheck source=tests/EndToEnd/cluster/plain/settings.sh
source "$plain/settings.sh"
# shellcheck source=tests/EndToEnd/cluster/plain/processes.sh
source "$plain/processes.sh"
# shellcheck source=tests/EndToEnd/cluster/plain/certificates.sh
source "$plain/certificates.sh"
# shellcheck source=tests/EndToEnd/cluster/plain/store.sh
source "$plain/store.sh"
# shellcheck source=tests/EndToEnd/cluster/plain/control-plane.sh
source "$plain/control-plane.sh"
# shellcheck source=tests/EndToEnd/cluster/plain/node.sh
source "$plain/node.sh"

require_root() { [ "$(id -u)" = 0 ] || { echo "the plain cluster makes network namespaces and mounts: run as root, or use kind" >&2; return 1; }; }

cluster_up() {
  require_root
  "$plain/build-kubernetes.sh"
  need_packages "${runtime_packages[@]}"
  mkdir -p "$state"
  network_up
  control_plane_up
  for number in $(node_numbers); do node_up "$number"; done
  await_nodes
  progress "ready: KUBECONFIG=$admin_kubeconfig"
}

cluster_down() {
  [ -d "$state" ] || return 0
  require_root
  progress 'stopping'
  for number in $(node_numbers); do node_down "$number"; done
  control_plane_down
  network_down
  if [ -n "${WIPE:-}" ]; then rm -rf "$state"; fi
}

cluster_running() { is_running api-server; }
cluster_kubeconfig() { echo "$admin_kubeconfig"; }

# Equal content has an equal digest: a node that has it already is left alone.
cluster_load() {
  local digest number
  digest=$(tar -xOf "$2" index.json | jq -r '.manifests[0].digest')
  for number in $(node_numbers); do
    [ "$(node_image_digest "$number" "$1")" != "$digest" ] || continue
    progress "loading $1 on node$number"
    ctr --address "$(containerd_socket "$number")" --namespace k8s.io images import "$2" > /dev/null
    node_has_image "$number" "$1" || { echo "$2 does not hold an image named $1" >&2; return 1; }
  done
}

cluster_stop_node() { node_halt "${1#node}"; }
cluster_start_node() { node_up "${1#node}"; }

cluster_kill_store_leader() { kill_store_leader; }

cluster_kill() {
  local node
  node=$(KUBECONFIG=$admin_kubeconfig kubectl -n "$1" get pod "$2" -o 'jsonpath={.spec.nodeName}')
  container_processes "${node#node}" "$1" "$2" | xargs -r kill -KILL
}
