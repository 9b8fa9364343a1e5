#!/usr/bin/env bash
# The base of our images where no public image can be pulled: what a self-contained .NET program links against, from
# Debian's own packages, and nothing else (no shell is started in it, no package manager is kept). Stays in the cache.
#   base.sh    prints the image's name
set -euo pipefail

# shellcheck source=tests/prerequisites.sh
source "$(dirname "$0")/../../prerequisites.sh"

image=localhost/raft-base:bookworm
packages=libc6,libgcc-s1,libstdc++6,libssl3,zlib1g,ca-certificates
archive=$raft_cache/base.tar

if ! buildah inspect --type image "$image" > /dev/null 2>&1; then
  if [ ! -f "$archive" ]; then
    need_packages mmdebstrap
    echo "making the base image from Debian packages ..." >&2
    mkdir -p "$raft_cache"
    # Extracted rather than installed: nothing runs in it. Documentation and programs go again.
    mmdebstrap --quiet --format=tar --variant=extract --include="$packages" \
      --extract-hook='cat "$1"/usr/share/ca-certificates/mozilla/*.crt > "$1/etc/ssl/certs/ca-certificates.crt"' \
      --extract-hook='cd "$1" && rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/ca-certificates usr/share/perl5 usr/share/debconf usr/bin usr/sbin' \
      bookworm "$archive.new" >&2
    mv "$archive.new" "$archive"
  fi
  context=$(mktemp -d)
  trap 'rm -rf "$context"' EXIT
  cp "$archive" "$context/root.tar"
  printf 'FROM scratch\nADD root.tar /\nENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n' > "$context/Dockerfile"
  buildah bud --isolation chroot --quiet --tag "$image" "$context" > /dev/null
fi
echo "$image"
