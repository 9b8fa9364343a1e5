#!/usr/bin/env bash
# The deterministic simulator: real members over a simulated clock, network and disks.
#   run.sh --seed 42              replays one run, prints its trace, and draws its timeline into artifacts/sim
#   run.sh --seeds 1000           tries so many seeds on all cores (default 200; --from N starts elsewhere)
#   run.sh --mutations            breaks one rule at a time, and shows how many seeds it takes to notice, and how it was noticed
#   run.sh --mutation 'half is'   breaks that one, and draws the run that noticed
set -euo pipefail
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- --seeds 200
dotnet build Raft.Simulation.Tests.csproj -c Release --nologo -v quiet
exec bin/Release/net10.0/Raft.Simulation.Tests "$@" --pages ../../artifacts/sim
