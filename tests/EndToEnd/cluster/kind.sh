# Three nodes in Docker containers, by kind.
# shellcheck shell=bash
# shellcheck disable=SC2154

kind_kubeconfig=$raft_cache/kind.kubeconfig

kind_layout() {
  local zone
  printf 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n'
  for zone in 1 2 3; do printf -- '- role: worker\n  labels: {topology.kubernetes.io/zone: zone%s}\n' "$zone"; done
}

cluster_up() {
  mkdir -p "$raft_cache"
  if ! kind get clusters 2> /dev/null | grep -qx "$cluster_name"; then
    progress 'creating the kind cluster'
    kind_layout | kind create cluster --name "$cluster_name" --kubeconfig "$kind_kubeconfig" --config - --wait 180s
  else
    kind export kubeconfig --name "$cluster_name" --kubeconfig "$kind_kubeconfig"
  fi
  KUBECONFIG=$kind_kubeconfig kubectl wait --for=condition=Ready nodes --all --timeout=180s
}

# A kind cluster cannot be stopped and kept; it goes as a whole.
cluster_down() { kind delete cluster --name "$cluster_name" --kubeconfig "$kind_kubeconfig"; }
cluster_running() { kind get clusters 2> /dev/null | grep -qx "$cluster_name"; }
cluster_kubeconfig() { echo "$kind_kubeconfig"; }
cluster_load() { progress "loading $1"; kind load image-archive --name "$cluster_name" "$2"; }

cluster_stop_node() {
  docker exec "$1" sh -c 'systemctl stop kubelet; systemctl stop containerd; pkill -9 containerd-shim'
  docker exec "$1" sh -c 'for c in $(find /sys/fs/cgroup -path "*kubepods*" -name cgroup.procs); do xargs -r kill -9 < $c; done' 2> /dev/null || true
}
cluster_start_node() { docker exec "$1" systemctl start containerd kubelet; }

cluster_kill() {
  local node
  node=$(KUBECONFIG=$kind_kubeconfig kubectl -n "$1" get pod "$2" -o 'jsonpath={.spec.nodeName}')
  docker exec "$node" sh -c "
    for c in \$(crictl ps -q --label io.kubernetes.pod.namespace=$1 --label io.kubernetes.pod.name=$2); do
      kill -9 \$(crictl inspect -o go-template --template '{{.info.pid}}' \$c)
    done"
}
cluster_kill_store_leader() { echo "a kind cluster has etcd for its store" >&2; return "$unsupported"; }
