#!/usr/bin/env bash
# Puts the images that build.sh made, of every tag given, on every node of the cluster.
#   load.sh TAG ...
set -euo pipefail

images=$(cd "$(dirname "$0")" && pwd)
archives=$images/../../../artifacts/images

for tag in "$@"; do
  for name in raft-datastore raft-operator; do
    "$images/../cluster/cluster" load "${RAFT_REGISTRY:-localhost}/$name:$tag" "$archives/$name-$tag.tar"
  done
done
