#!/usr/bin/env bash
# From nothing to a datastore that etcdctl can write to: a Kubernetes, our images, the operator by Helm, and the RaftCluster
# of docs/examples. Every step is skipped where it was done before; a second run takes well under two minutes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
# shellcheck source=tests/prerequisites.sh
source "$repository/tests/prerequisites.sh"

cluster=$here/cluster/cluster
tag=dev
sample=sample
# What etcdctl needs, for the user to source.
access=$repository/.run/up
local_port=${LOCAL_PORT:-12379}

progress() { printf '[up %4ds] %s\n' "$SECONDS" "$*" >&2; }

install_operator() {
  helm upgrade --install raft-operator "$repository/charts/raft-operator" --namespace raft-system --create-namespace \
    --set "image.repository=${RAFT_REGISTRY:-localhost}/raft-operator,image.tag=$tag" --wait --timeout 5m > /dev/null
}

# The same tag may name a newer image than the pod runs, after a change of the code.
restart_operator_of_older_image() {
  local built
  built=$(tar -xOf "$repository/artifacts/images/raft-operator-$tag.tar" index.json)
  if [ "$(cat "$access/operator" 2> /dev/null)" != "$built" ]; then
    kubectl --namespace raft-system rollout restart deployment > /dev/null
    kubectl --namespace raft-system rollout status deployment --timeout=120s > /dev/null
    echo "$built" > "$access/operator"
  fi
}

# Says every change of what the operator does, until the RaftCluster is Available and of the size that was asked.
await_available() {
  local deadline=$((SECONDS + 300)) now last=
  while [ $SECONDS -lt $deadline ]; do
    now=$(kubectl get raftcluster "$sample" -o 'jsonpath={.status.phase}: {.status.readyReplicas} of {.spec.replicas} members ready; {.status.conditions[?(@.type=="Progressing")].message}')
    [ "$now" = "$last" ] || progress "$sample is $now"
    last=$now
    case $now in Running:*) kubectl wait --for=condition=Available "raftcluster/$sample" --timeout=60s > /dev/null; return ;; esac
    sleep 1
  done
  kubectl describe raftcluster "$sample" >&2
  return 1
}

save_access() {
  local file
  for file in ca.crt tls.crt tls.key; do
    kubectl get secret "$sample-client-tls" -o "jsonpath={.data['${file/./\\.}']}" | base64 -d > "$access/$file"
  done
  chmod 600 "$access/tls.key"
  cat > "$access/env" <<ENV
export KUBECONFIG=$KUBECONFIG PATH=$raft_cache/tools:\$PATH
export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=https://localhost:$local_port
export ETCDCTL_CACERT=$access/ca.crt ETCDCTL_CERT=$access/tls.crt ETCDCTL_KEY=$access/tls.key
ENV
}

# The commands that are printed for the user, run once to prove that they work.
prove() {
  local forward
  # shellcheck source=/dev/null
  source "$access/env"
  kubectl port-forward "service/$sample-client" "$local_port:2379" > "$access/port-forward.log" 2>&1 &
  forward=$!
  # shellcheck disable=SC2064
  trap "kill $forward 2> /dev/null || true" RETURN EXIT
  local deadline=$((SECONDS + 30))
  until etcdctl put greeting hello > /dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { etcdctl put greeting hello; return 1; }
    sleep 0.5
  done
  [ "$(etcdctl get greeting --print-value-only)" = hello ]
}

need_packages etcd-client
need_kubernetes_tools
mkdir -p "$access"
RAFT_CLUSTER=$("$cluster" which)
export RAFT_CLUSTER
progress "Kubernetes ($RAFT_CLUSTER)"
"$cluster" up
KUBECONFIG=$("$cluster" kubeconfig)
export KUBECONFIG
progress 'images'
"$here/images/build.sh" "$tag"
"$here/images/load.sh" "raft-datastore:$tag" "raft-operator:$tag"
progress 'the operator'
install_operator
restart_operator_of_older_image
progress 'the RaftCluster of docs/examples/raftcluster.yaml'
kubectl apply -f "$repository/docs/examples/raftcluster.yaml" > /dev/null
await_available
save_access
prove
progress 'put and got a value with etcdctl'
kubectl get raftclusters
cat <<READY

The datastore is Available. To use it:

  . ${access#"$PWD"/}/env
  kubectl port-forward service/$sample-client $local_port:2379 &
  etcdctl put greeting hello
  etcdctl get greeting

  kubectl get raftclusters                        what the operator says of it
  kubectl scale raftcluster $sample --replicas=5     more members, one at a time
  make down                                       stop; \`make up\` goes on where it was
READY
