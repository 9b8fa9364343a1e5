#!/usr/bin/env bash
# Real servers in network namespaces, struck in every way we know while clients work; every history is checked. Needs root.
#   run.sh --minutes 60           a seed is drawn and printed
#   run.sh --minutes 60 --seed 7  the same schedule of faults again
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=tests/prerequisites.sh
source ../prerequisites.sh
need_packages iproute2 iptables gcc libc6-dev
[ $# -gt 0 ] || set -- --minutes 5
dotnet build Raft.Robustness.Tests.csproj -c Release --nologo -v quiet
# Whatever ends the run, also a kill -9, leaves nothing behind.
trap 'Testbed/sweep.sh' EXIT
bin/Release/net10.0/Raft.Robustness.Tests "$@"
