# What the API server keeps its objects in: etcd, or, with STORE=raft, three members of our own datastore. A cluster keeps the
# store that it was first started with, until it is wiped.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154

store_members=(store-a store-b store-c)
store_processes=(etcd "${store_members[@]}")
store_program=$repository/artifacts/publish/raft-datastore/Raft.Server

store() { cat "$state/store" 2> /dev/null || echo "${STORE:-etcd}"; }

start_store() {
  store > "$state/store.new" && mv "$state/store.new" "$state/store"
  case $(store) in
    etcd) start_etcd ;;
    raft) for member in "${store_members[@]}"; do start_store_member "$member"; done ;;
    *) echo "STORE=$(store): must be etcd or raft" >&2; return 2 ;;
  esac
}

store_endpoints() {
  if [ "$(store)" = etcd ]; then store_url store-a 0; else all_members store_url 0; fi
}

# The store of a cluster for tests: a power cut may take it, a sync for every write would only slow the tests.
start_etcd() {
  local client peer
  client=$(store_url store-a 0) peer=$(store_url store-a 1)
  start etcd etcd --data-dir "$state/etcd" --unsafe-no-fsync --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
}

start_store_member() {
  local name=$1 client peer
  [ -x "$store_program" ] || { progress 'publishing the datastore'; publish_store; }
  client=$(store_url "$name" 0) peer=$(store_url "$name" 1)
  start "$name" "$store_program" --name="$name" --data-dir="$state/$name" \
    --listen-client-urls="$client" --advertise-client-urls="$client" \
    --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" \
    --initial-cluster="$(all_members store_pair)" --initial-cluster-state=new
}

publish_store() {
  need_linker
  DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 dotnet publish "$repository/datastore/Server/Raft.Server.csproj" -c Release -p:ForImage=true \
    -o "$(dirname "$store_program")" --nologo -v quiet >&2
}

# kill -9 for the member that leads, and its restart once another leads.
kill_store_leader() {
  local leader
  [ "$(store)" = raft ] || { echo "the store is $(store), not raft" >&2; return "$unsupported"; }
  leader=$(store_leader)
  [ -n "$leader" ] || { echo "the store has no leader" >&2; return 1; }
  progress "killing $leader, the leader of the store"
  SIGNAL=KILL stop "$leader"
  await 30 'another leader of the store' store_has_other_leader "$leader"
  start_store_member "$leader"
}

store_has_other_leader() { local now; now=$(store_leader) && [ -n "$now" ] && [ "$now" != "$1" ]; }

# Empty: nobody leads that can be reached.
store_leader() {
  local name
  for name in "${store_members[@]}"; do
    ETCDCTL_API=3 etcdctl --endpoints="$(store_url "$name" 0 | cut -d / -f 3)" --command-timeout=2s endpoint status -w json 2> /dev/null \
      | jq -e '.[0].Status | .header.member_id == .leader' > /dev/null || continue
    echo "$name"
    return
  done
}

# all_members FUNCTION ARGUMENT...: what it says of each member, joined by commas.
all_members() {
  local function=$1 name list=()
  shift
  for name in "${store_members[@]}"; do list+=("$("$function" "$name" "$@")"); done
  (IFS=,; echo "${list[*]}")
}

# Clients at offset 0, peers at 1.
store_url() {
  case $1 in store-a) echo "http://127.0.0.1:$((23790 + $2 * 10))" ;; store-b) echo "http://127.0.0.1:$((23791 + $2 * 10))" ;; *) echo "http://127.0.0.1:$((23792 + $2 * 10))" ;; esac
}

store_pair() { echo "$1=$(store_url "$1" 1)"; }
