#!/usr/bin/env bash
# Unpacks the etcd 3.5 of Debian 13 into the cache of the tests, beside whatever etcd the system has, and prints where it is.
# Needs no root, and no network the second time. Debian 12 itself has etcd 3.4, which answers several requests as no later
# version does, and is slower.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/prerequisites.sh
source "$here/prerequisites.sh"

suite=trixie
home=$raft_cache/etcd-3.5
echo "$home/etcd"
if [ -x "$home/etcd" ] && "$home/etcd" --version | grep -q '^etcd Version: 3\.5\.'; then exit 0; fi
command -v apt-get > /dev/null || { echo "put etcd 3.5 at $home/etcd: it is fetched from Debian's packages only" >&2; exit 1; }

echo "fetching etcd 3.5 ..." >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{sources.d,lists/partial,archives/partial,unpacked}
# The machine's own package sources, of another suite, in lists of our own.
# shellcheck source=/dev/null
own=$(. /etc/os-release && echo "$VERSION_CODENAME")
touch "$work/sources.list"
[ ! -f /etc/apt/sources.list ] || sed "s/\b$own\b/$suite/g" /etc/apt/sources.list > "$work/sources.list"
[ ! -f /etc/apt/sources.list.d/debian.sources ] || sed "s/\b$own\b/$suite/g" /etc/apt/sources.list.d/debian.sources > "$work/sources.d/debian.sources"
apt=(
  -o "Dir::Etc::SourceList=$work/sources.list" -o "Dir::Etc::SourceParts=$work/sources.d"
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" -o "Dir::Cache::Archives=$work/archives" -o APT::Sandbox::User=
)
apt-get "${apt[@]}" update -q > /dev/null
(cd "$work" && apt-get "${apt[@]}" download -q etcd-server > /dev/null)
dpkg -x "$work"/etcd-server_*.deb "$work/unpacked"
mkdir -p "$home"
install -m 755 "$work/unpacked/usr/bin/etcd" "$home/etcd.new"
mv "$home/etcd.new" "$home/etcd"
"$home/etcd" --version | grep -q '^etcd Version: 3\.5\.' || { echo "this is not etcd 3.5: $("$home/etcd" --version | head -n 1)" >&2; exit 1; }
