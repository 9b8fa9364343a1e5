#!/usr/bin/env bash
# Builds Kubernetes' five programs from Debian 12's own source package with Debian's Go, and a pause image for its pods.
# About ten minutes on two cores, once: the result stays in the cache. Debian has a kubectl but no server packages.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/prerequisites.sh
source "$here/../../../prerequisites.sh"
# shellcheck source=tests/EndToEnd/cluster/plain/settings.sh
source "$here/settings.sh"

programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)
work=$kubernetes_home/work

built() {
  local program
  for program in "${programs[@]}"; do [ -x "$binaries/$program" ] || return 1; done
}

# Source packages through lists of our own, so that the machine's package sources stay as they are.
fetch_source() {
  local apt=(-o "Dir::Etc::SourceList=$work/sources.list" -o "Dir::Etc::SourceParts=$work/sources.d" -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root)
  mkdir -p "$work"/{sources.d,lists/partial}
  touch "$work/sources.list"
  [ ! -f /etc/apt/sources.list ] || sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > "$work/sources.list"
  [ ! -f /etc/apt/sources.list.d/debian.sources ] || sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources > "$work/sources.d/source.sources"
  apt-get "${apt[@]}" update -q > /dev/null
  (cd "$work" && apt-get "${apt[@]}" source -q --only-source "kubernetes" > /dev/null)
}

# The package carries the libraries it needs (vendor/). Its reflect2 reads the Go runtime's maps in a way that ended with Go
# 1.18, on which the API server dies at the first custom resource: Debian's own package of that library is newer.
mend_source() {
  local ours=$source/vendor/github.com/modern-go/reflect2
  rm -rf "$ours"
  cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 "$ours"
  rm -f "$ours"/*_test.go
}

# KUBE_GIT_* stand in for the git history that the package lacks.
compile() {
  local source program
  source=$(find "$work" -maxdepth 1 -type d -name 'kubernetes-*' | head -n 1)
  mend_source
  mkdir -p "$work/go/src/k8s.io"
  ln -sfn "$source" "$work/go/src/k8s.io/kubernetes"
  cd "$source"
  export GOPATH=$work/go GOCACHE=$work/go-cache GO111MODULE=off CGO_ENABLED=0
  export KUBE_GIT_VERSION=v$kubernetes_version KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20 KUBE_GIT_COMMIT=0 KUBE_GIT_TREE_STATE=clean
  for program in "${programs[@]}"; do
    echo "  $program ..." >&2
    make WHAT="cmd/$program" > "$work/$program.log" 2>&1 || { tail -n 30 "$work/$program.log" >&2; return 1; }
    install -D -m 755 "_output/local/go/bin/$program" "$binaries/$program"
  done
}

# What holds a pod's namespaces open: one static process that waits, and reaps the orphans it is given.
make_pause_image() {
  local folder=$work/pause
  mkdir -p "$folder"
  cat > "$folder/pause.c" <<'C'
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void leave(int signal) { _exit(signal == SIGTERM ? 0 : 1); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGINT, leave); signal(SIGTERM, leave); signal(SIGCHLD, reap);
  for (;;) pause();
}
C
  gcc -Os -static -o "$folder/pause" "$folder/pause.c"
  printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n' > "$folder/Dockerfile"
  buildah bud --isolation chroot --quiet --tag "$pause_image" "$folder" > /dev/null
  rm -f "$kubernetes_home/pause.tar"
  buildah push --quiet "$pause_image" "oci-archive:$kubernetes_home/pause.tar:$pause_image"
}

if built && [ -f "$kubernetes_home/pause.tar" ]; then exit 0; fi
need_packages "${build_packages[@]}"
if ! built; then
  echo "building Kubernetes $kubernetes_version, once, about ten minutes on two cores ..." >&2
  rm -rf "$work"
  fetch_source
  (compile)
fi
make_pause_image
chmod -R u+w "$work"
rm -rf "$work"
