#!/usr/bin/env bash
# Sends random sequences of requests to our server and to a real etcd 3.5, and compares every answer.
#   run.sh --sequences 5000 --seed 1    the sequences of the seeds 1 to 5000
#   run.sh --seed 17                    one sequence, from fresh servers
#   run.sh --seed 17 --trace            the same, every request and answer printed
set -euo pipefail
cd "$(dirname "$0")"
../etcd.sh > /dev/null
[ $# -gt 0 ] || set -- --sequences 500
dotnet build Raft.Differential.Tests.csproj -c Release --nologo -v quiet
exec bin/Release/net10.0/Raft.Differential.Tests "$@"
