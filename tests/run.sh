#!/usr/bin/env bash
# Builds once, then runs every test project but EndToEnd and Benchmarks, or only the folders of tests/ that are named.
# Prints one line a project and a closing `N passed, N failed`; the full output is in artifacts/tests/.
#   tests/run.sh [FOLDER ...] [-- runner options such as -method '*Vote*']
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
cd "$repository"
# shellcheck source=tests/prerequisites.sh
source tests/prerequisites.sh
configuration=${CONFIGURATION:-Release}
logs=$repository/artifacts/tests

folders=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do folders+=("$1"); shift; done
[ $# -eq 0 ] || shift
runner_options=("$@")

all_folders() {
  local project
  for project in tests/*/Raft.*.Tests.csproj; do basename "$(dirname "$project")"; done | grep -vxE 'EndToEnd|Benchmarks'
}

project_of() { echo "$repository/tests/$1"/Raft.*.Tests.csproj; }

build() {
  if [ ${#folders[@]} -eq 1 ]; then
    # shellcheck disable=SC2046
    dotnet build $(project_of "${folders[0]}") -c "$configuration" --nologo -v quiet
  else
    dotnet build Raft.sln -c "$configuration" --nologo -v quiet
  fi
}

# A project that ends without its summary (a crash, a kill) counts as one failure.
run_project() {
  local folder=$1 assembly log summary code=0
  assembly=$(basename "$(project_of "$folder")" .csproj)
  log=$logs/$folder.log
  printf '%-21s' "$folder"
  "tests/$folder/bin/$configuration/net10.0/$assembly" -noColor -noLogo "${runner_options[@]}" > "$log" 2>&1 || code=$?
  summary=$(grep -E 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$log" | tail -n 1 || true)
  if [ -z "$summary" ]; then
    echo "ended with code $code and no summary:"
    tail -n 20 "$log"
    failed=$((failed + 1))
    return
  fi
  local total errors broken skips time
  read -r total errors broken skips time < <(sed -E 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+).*Time: (.*)/\1 \2 \3 \4 \5/' <<< "$summary")
  broken=$((broken + errors))
  passed=$((passed + total - broken - skips))
  failed=$((failed + broken))
  skipped=$((skipped + skips))
  printf '%5d passed %3d failed %3d skipped  %s\n' $((total - broken - skips)) "$broken" "$skips" "$time"
  [ "$broken" -eq 0 ] || grep -E -A 12 '\[FAIL\]|\[ERROR\]' "$log" | head -n 80 || true
}

# The operator is tested against a real kube-apiserver and its etcd, which on other systems than Debian must be there already.
need_api_server() {
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    need_packages etcd-server
    tests/EndToEnd/cluster/plain/build-kubernetes.sh
  fi
}

mkdir -p "$logs"
[ ${#folders[@]} -gt 0 ] || mapfile -t folders < <(all_folders)
need_packages etcd-client curl jq openssl
need_kubernetes_tools
if printf '%s\n' "${folders[@]}" | grep -qx KeyValue; then need_packages etcd-server; fi
if printf '%s\n' "${folders[@]}" | grep -qx Differential; then tests/etcd.sh > /dev/null; fi
if printf '%s\n' "${folders[@]}" | grep -qx Operator; then need_api_server; fi
if [ "$(id -u)" = 0 ] && printf '%s\n' "${folders[@]}" | grep -qx Robustness; then need_packages iproute2 iptables gcc libc6-dev; fi
if printf '%s\n' "${folders[@]}" | grep -qx Timeline; then need_packages chromium fonts-dejavu-core; fi

build
passed=0 failed=0 skipped=0
for folder in "${folders[@]}"; do run_project "$folder"; done
echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
