#!/usr/bin/env bash
# Three members as local processes, ready in seconds; Ctrl-C stops them all.
#   DATA   where their data goes (default .run/local in the repository); kept between runs, removed with FRESH=1
#   Ports  etcd's habit: clients on 2379, 22379, 32379; peers one above; metrics and health two above
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
data=${DATA:-$repository/.run/local}
server=$repository/datastore/Server/bin/Release/net10.0/Raft.Server
names=(a b c)
client_port() { case $1 in a) echo 2379 ;; b) echo 22379 ;; c) echo 32379 ;; esac; }

member_url() { echo "http://127.0.0.1:$(($(client_port "$1") + $2))"; }
client_addresses() { local list=(); for name in "${names[@]}"; do list+=("127.0.0.1:$(client_port "$name")"); done; (IFS=,; echo "${list[*]}"); }
initial_cluster() { local list=(); for name in "${names[@]}"; do list+=("$name=$(member_url "$name" 1)"); done; (IFS=,; echo "${list[*]}"); }

start_member() {
  local name=$1
  "$server" \
    --name="$name" --data-dir="$data/$name" \
    --listen-client-urls="$(member_url "$name" 0)" --advertise-client-urls="$(member_url "$name" 0)" \
    --listen-peer-urls="$(member_url "$name" 1)" --initial-advertise-peer-urls="$(member_url "$name" 1)" \
    --listen-metrics-urls="$(member_url "$name" 2)" \
    --initial-cluster="$(initial_cluster)" --initial-cluster-state=new \
    > "$data/$name.log" 2>&1 &
  pids+=($!)
}

stop_members() {
  trap - EXIT INT TERM
  kill "${pids[@]}" 2> /dev/null || true
  wait "${pids[@]}" 2> /dev/null || true
  echo "stopped; the data stays in $data (FRESH=1 make run starts anew)"
}

await_ready() {
  local name=$1 deadline=$((SECONDS + 60))
  until curl -fsS -o /dev/null "$(member_url "$name" 2)/readyz" 2> /dev/null; do
    if ((SECONDS > deadline)) || ! kill -0 "${pids[@]}" 2> /dev/null; then
      echo "member $name did not become ready; the last lines of $data/$name.log:" >&2
      tail -n 20 "$data/$name.log" >&2
      exit 1
    fi
    sleep 0.1
  done
}

if [ ! -x "$server" ]; then
  echo "building the server first ..."
  dotnet build "$repository/datastore/Server/Raft.Server.csproj" -c Release --nologo -v quiet
fi
if [ -n "${FRESH:-}" ]; then rm -rf "$data"; fi
mkdir -p "$data"

pids=()
trap stop_members EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for name in "${names[@]}"; do start_member "$name"; done
for name in "${names[@]}"; do await_ready "$name"; done

cat <<READY

Three members are ready. In another terminal:

  export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=$(client_addresses)
  etcdctl put greeting hello
  etcdctl get greeting
  etcdctl endpoint status -w table

Health: $(member_url a 2)/readyz   Metrics: $(member_url a 2)/metrics   Logs: $data/*.log
Ctrl-C stops them.
READY
while running=$(jobs -pr) && [ -n "$running" ]; do
  wait -n || true
  echo "a member ended; $(jobs -pr | wc -l) of ${#names[@]} go on (logs: $data/*.log)" >&2
done
exit 1
