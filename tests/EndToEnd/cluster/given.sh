# The cluster that KUBECONFIG names. Its images come from a registry that it can reach (RAFT_REGISTRY), pushed before.
# shellcheck shell=bash
# shellcheck disable=SC2154

cluster_up() {
  kubectl get --raw /readyz > /dev/null || { echo "the cluster of KUBECONFIG=$KUBECONFIG does not answer" >&2; return 1; }
  progress "using the cluster of KUBECONFIG=$KUBECONFIG"
}
cluster_running() { kubectl get --raw /readyz > /dev/null 2>&1; }
cluster_down() { progress "left running: it was given by KUBECONFIG"; }
cluster_kubeconfig() { echo "$KUBECONFIG"; }
cluster_load() { progress "not loaded, a given cluster pulls for itself: $1"; }
cluster_stop_node() { progress "a given cluster's nodes are not ours to stop"; return "$unsupported"; }
cluster_start_node() { progress "a given cluster's nodes are not ours to start"; return "$unsupported"; }
cluster_kill() { progress "no way into a given cluster's nodes"; return "$unsupported"; }
cluster_kill_store_leader() { echo "a given cluster is not broken" >&2; return "$unsupported"; }
