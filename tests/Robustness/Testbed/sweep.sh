#!/usr/bin/env bash
# Takes away what a run left behind: processes, namespaces, the bridge, mounts.
#   sweep.sh ID    that run
#   sweep.sh       every run whose process is gone
set -uo pipefail
runs=/run/raft-robustness

sweep() {
  local id=$1 namespace mount link
  for namespace in $(ip netns list | awk '{ print $1 }' | grep "^rbt-$id-"); do
    ip netns pids "$namespace" | xargs -r kill -KILL 2> /dev/null
    ip netns del "$namespace"
  done
  # A namespace without a name lives on for as long as a connection in it waits for its peer; its link need not.
  for link in $(ip -o link show type veth | grep -o "rbt${id}v[0-9]*"); do ip link del "$link"; done
  ip link del "rbt$id" 2> /dev/null
  for mount in $(awk -v prefix="$runs/$id/" 'index($2, prefix) == 1 { print $2 }' /proc/mounts); do umount -l "$mount"; done
  rm -rf "${runs:?}/$id" "$runs/$id.pid"
}

if [ $# -gt 0 ]; then
  sweep "$1"
else
  for owner in "$runs"/*.pid; do
    if [ -e "$owner" ] && ! kill -0 "$(cat "$owner")" 2> /dev/null; then sweep "$(basename "$owner" .pid)"; fi
  done
fi
exit 0
