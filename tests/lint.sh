#!/usr/bin/env bash
# What a reviewer should never have to say: formatting and analyzers, shell scripts, Helm charts. Reports all, then fails.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/prerequisites.sh
source tests/prerequisites.sh
failures=()

check() {
  local what=$1
  shift
  echo "== $what"
  "$@" || failures+=("$what")
}

shell_scripts() { git ls-files -z --cached --others --exclude-standard | xargs -0 grep -lE '^#!.*\b(ba)?sh$|^# shellcheck shell=bash' --; }

lint_shell() { shell_scripts | xargs shellcheck --external-sources --severity=warning; }

lint_charts() {
  local chart code=0
  for chart in charts/*/Chart.yaml; do
    [ -e "$chart" ] || continue
    helm lint --strict --quiet "$(dirname "$chart")" || code=1
  done
  return $code
}

need_packages shellcheck || exit 1
need_kubernetes_tools || exit 1
check 'C# formatting and analyzers' dotnet format Raft.sln --verify-no-changes --severity warn
check 'shell scripts' lint_shell
check 'Helm charts' lint_charts

[ ${#failures[@]} -eq 0 ] && { echo 'lint: nothing to say'; exit 0; }
printf 'lint: %s\n' "${failures[@]}"
exit 1
