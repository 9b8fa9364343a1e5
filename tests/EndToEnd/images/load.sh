#!/usr/bin/env bash
# Puts images that build.sh made on every node of the cluster.
#   load.sh NAME:TAG ...
set -euo pipefail

images=$(cd "$(dirname "$0")" && pwd)
archives=$images/../../../artifacts/images

for image in "$@"; do
  "$images/../cluster/cluster" load "${RAFT_REGISTRY:-localhost}/$image" "$archives/${image/:/-}.tar"
done
