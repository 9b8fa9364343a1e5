#!/usr/bin/env bash
# Our server, a real etcd and a server that does nothing, one after the other under the same loads: three members each as
# local processes, syncs on. Prints a table, and writes it to docs/benchmarks.md unless only a part was run.
#   run.sh                     three rounds, about half an hour
#   run.sh --quick             one short round, about three minutes
#   run.sh --only put-,get-64  some loads; --servers raft,etcd some servers; --help for the rest
#   run.sh micro [OPTIONS]     the microbenchmarks instead (BenchmarkDotNet's options, such as --filter '*Read*')
#   DATA         where the members keep their data (default .run/bench in the repository)
#   RAFT_SERVER  the program to measure, instead of what goes into the image
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/prerequisites.sh
source "$repository/tests/prerequisites.sh"
project=$repository/tests/Benchmarks
published=$repository/artifacts/publish/raft-datastore
data=${DATA:-$repository/.run/bench}

build() {
  echo "building ..." >&2
  dotnet build "$project/Raft.Benchmarks.csproj" -c Release --nologo -v quiet >&2
}

# As it goes into the image (tests/EndToEnd/images/build.sh), so that what is measured is what is shipped.
publish_server() {
  need_linker
  echo "publishing the server ..." >&2
  dotnet publish "$repository/datastore/Server/Raft.Server.csproj" -c Release -p:ForImage=true -o "$published" --nologo -v quiet >&2
}

commit() {
  git -C "$repository" rev-parse --short HEAD 2> /dev/null || { echo unknown; return; }
  git -C "$repository" diff --quiet HEAD -- datastore 2> /dev/null || echo "and changes"
}

runs_everything() {
  local option
  for option in "$@"; do case $option in --quick) ;; *) return 1 ;; esac; done
}

# The load generator speaks HTTP/2 by it.
need_packages libnghttp2-14
build
program=$project/bin/Release/net10.0/Raft.Benchmarks
if [ "${1:-}" = micro ]; then
  cd "$project"
  exec "$program" "$@"
fi

server=${RAFT_SERVER:-$published/Raft.Server}
[ -n "${RAFT_SERVER:-}" ] || publish_server
report=()
if runs_everything "$@"; then report=(--report "$repository/docs/benchmarks.md"); fi
mkdir -p "$data"
etcd=$("$repository/tests/etcd.sh")
exec "$program" --data "$data" --raft "$server" --etcd "$etcd" --commit "$(commit | paste -sd ' ')" "${report[@]}" "$@"
