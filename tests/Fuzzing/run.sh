#!/usr/bin/env bash
# Fuzzes everything that reads bytes from outside, and keeps inputs that fail in Corpus/, where the tests find them.
#   run.sh --minutes 10 --seed 1                  goes on for ten minutes, shared among the targets
#   run.sh --minutes 1 --target log               only one of: log, snapshot, peer, request, record, gateway, restore, token, metadata
#   run.sh --write-corpus                         writes the real inputs anew, after a format has changed
set -euo pipefail
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- --minutes 5
dotnet build Raft.Fuzzing.Tests.csproj -c Release --nologo -v quiet
exec bin/Release/net10.0/Raft.Fuzzing.Tests "$@"
