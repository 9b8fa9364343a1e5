#!/usr/bin/env bash
# Starts the cluster, builds and loads the images, and runs every scenario; the table comes last and is kept in
# artifacts/e2e/, beside a folder of logs for each scenario that failed.
#   run.sh [FILTER]     only the test classes or methods whose name holds FILTER
# STORE=raft keeps Kubernetes' own objects in three members of our datastore, whose leader is killed every two and a half minutes meanwhile.
# KEEP=1 leaves the cluster running. One that ran before is always left as it was.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
# shellcheck source=tests/prerequisites.sh
source "$repository/tests/prerequisites.sh"
export DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1

cluster=$here/cluster/cluster
results=$repository/artifacts/e2e
first_tag=dev
second_tag=dev-next

stop_cluster() { "$cluster" down; }

kill_store_leaders() { while sleep 150; do "$cluster" kill-store-leader || true; done; }

at_end() {
  [ -z "${killer:-}" ] || kill "$killer" 2> /dev/null || true
  [ -z "${stop:-}" ] || stop_cluster
}

need_kubernetes_tools
RAFT_CLUSTER=$("$cluster" which)
export RAFT_CLUSTER
if ! "$cluster" running && [ -z "${KEEP:-}" ]; then stop=1; fi
trap at_end EXIT

"$here/images/build.sh" "$first_tag" "$second_tag"
"$cluster" up
KUBECONFIG=$("$cluster" kubeconfig)
export KUBECONFIG
"$here/images/load.sh" "raft-operator:$first_tag" "raft-datastore:$first_tag" "raft-datastore:$second_tag"

rm -rf "$results"
mkdir -p "$results"
dotnet build "$here/Raft.EndToEnd.Tests.csproj" -c Release --nologo -v quiet
filter=()
if [ $# -gt 0 ]; then filter=(-method "*$1*"); fi
if [ "${STORE:-etcd}" = raft ]; then
  kill_store_leaders > "$results/store.log" 2>&1 &
  killer=$!
fi
code=0
RAFT_E2E_REPOSITORY=$repository RAFT_E2E_REGISTRY=${RAFT_REGISTRY:-localhost} RAFT_E2E_TAG=$first_tag RAFT_E2E_SECOND_TAG=$second_tag \
  "$here/bin/Release/net10.0/Raft.EndToEnd.Tests" -noColor -noLogo -longRunning 120 "${filter[@]}" 2>&1 | tee "$results/tests.log" || code=$?

echo
[ ! -f "$results/store.log" ] || echo "the leader of the API server's store was killed $(grep -c killing "$results/store.log" || true) times"
[ ! -f "$results/table.md" ] || cat "$results/table.md"
summary=$(sed -nE 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+).*/\1 \2 \3 \4/p' "$results/tests.log" | tail -n 1)
read -r total errors failed skipped <<< "${summary:-0 0 1 0}"
failed=$((failed + errors))
echo "$((total > 0 ? total - failed - skipped : 0)) passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
[ "$code" -eq 0 ] && [ "$failed" -eq 0 ]
