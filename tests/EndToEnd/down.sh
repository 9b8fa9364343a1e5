#!/usr/bin/env bash
# Stops the cluster of `make up`, kept for the next time; WIPE=1 forgets it.
set -euo pipefail
exec "$(dirname "$0")/cluster/cluster" down
