#!/usr/bin/env bash
# Keeps the name server's records as a cluster's DNS would have them: a service's address; behind a headless service,
# the address of each pod that it publishes, under the service's name and under the pod's own.
#   name-records.sh FILE NAME_SERVER_PID_FILE
set -uo pipefail
records=$1
name_server=$2

# shellcheck disable=SC2016
program='
  def domain: "\(.metadata.name).\(.metadata.namespace).svc.cluster.local";
  ([.items[] | select(.kind == "Service" and .spec.clusterIP == "None") | "\(.metadata.namespace)/\(.metadata.name)"]) as $headless
  | .items[]
  | if .kind == "Service" then
      select((.spec.clusterIP // "None") != "None") | "\(.spec.clusterIP) \(domain)"
    else
      domain as $service
      | select("\(.metadata.namespace)/\(.metadata.name)" | IN($headless[]))
      | .subsets[]?.addresses[]?
      | "\(.ip) \($service)", (select(.hostname) | "\(.ip) \(.hostname).\($service)")
    end'

write_records() {
  kubectl get services,endpoints --all-namespaces -o json | jq -r "$program" | sort -u > "$records.new" || return
  cmp -s "$records.new" "$records" && return
  cat "$records.new" > "$records"
  kill -HUP "$(cut -d ' ' -f 1 "$name_server")"
}

# A burst of changes is one pass: after the first, whatever follows within a tenth of a second is swallowed. The watch is
# opened anew every five minutes, and a first pass then catches what an ended watch may have missed.
while :; do
  write_records
  kubectl get endpoints --all-namespaces --watch-only --no-headers --request-timeout=300s 2> /dev/null | while read -r _; do
    while read -r -t 0.1 _; do :; done
    write_records
  done
  sleep 1
done
