#!/usr/bin/env bash
# Publishes the server (compiled ahead of time) and the operator (with its runtime) and makes an image of each, for every tag given, as
# OCI archives in artifacts/images/: with docker where it answers, otherwise with buildah.
#   build.sh TAG ...
# BASE names the base image; without it, Docker takes the Dockerfile's own and buildah one made from Debian packages.
# All tags hold the same programs and differ in the version label: enough to roll a cluster from one to the other.
set -euo pipefail

images=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$images/../../.." && pwd)
# shellcheck source=tests/prerequisites.sh
source "$repository/tests/prerequisites.sh"
export DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1

archives=$repository/artifacts/images
published=$repository/artifacts/publish
registry=${RAFT_REGISTRY:-localhost}

publish() {
  echo "publishing $1 ..." >&2
  dotnet publish "$repository/$2" -c Release -p:ForImage=true -o "$published/$1" --nologo -v quiet
  # Restored packages may be their owner's alone to run; in the image another user reads and runs them.
  chmod -R a+rX "$published/$1"
}

build_with_docker() {
  local image=$1 folder=$2 dockerfile=$3 tag=$4 archive=$5
  docker build --quiet ${BASE:+--build-arg BASE="$BASE"} --build-arg VERSION="$tag" --tag "$image" --file "$dockerfile" "$folder" > /dev/null
  docker save --output "$archive" "$image"
  if [ -n "${RAFT_REGISTRY:-}" ]; then docker push --quiet "$image"; fi
}

# Fixed times make equal content an equal image, which the nodes then need not load again.
build_with_buildah() {
  local image=$1 folder=$2 dockerfile=$3 tag=$4 archive=$5
  buildah bud --isolation chroot --quiet --timestamp 0 --build-arg BASE="$base" --build-arg VERSION="$tag" \
    --tag "$image" --file "$dockerfile" "$folder" > /dev/null
  rm -f "$archive"
  buildah push --quiet "$image" "oci-archive:$archive:$image"
  if [ -n "${RAFT_REGISTRY:-}" ]; then buildah push --quiet "$image"; fi
}

build() {
  local name=$1 dockerfile=$repository/$2/Dockerfile tag
  for tag in "${tags[@]}"; do
    echo "building $registry/$name:$tag ..." >&2
    "build_with_$builder" "$registry/$name:$tag" "$published/$name" "$dockerfile" "$tag" "$archives/$name-$tag.tar"
  done
}

tags=("$@")
[ ${#tags[@]} -gt 0 ] || tags=(dev)
mkdir -p "$archives"
if docker_answers; then
  builder=docker
else
  builder=buildah
  need_packages buildah
  base=${BASE:-$("$images/base.sh")}
fi

need_linker
publish raft-datastore datastore/Server/Raft.Server.csproj
publish raft-operator operator/Host/Raft.Operator.Host.csproj
build raft-datastore datastore/Server
build raft-operator operator/Host
