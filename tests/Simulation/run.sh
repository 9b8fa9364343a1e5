#!/usr/bin/env bash
# The deterministic simulator of the core.
#   run.sh --seed 42          replays one run and prints its trace
#   run.sh --seeds 1000       tries so many seeds on all cores (default 200; --from N starts elsewhere)
#   run.sh --mutations        breaks one rule at a time, and shows which seed notices and how
set -euo pipefail
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- --seeds 200
dotnet build Raft.Simulation.Tests.csproj -c Release --nologo -v quiet
exec bin/Release/net10.0/Raft.Simulation.Tests "$@"
