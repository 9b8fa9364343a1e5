# Long-running processes of the plain cluster, each remembered by process id and start time, so that a number which the
# machine has since given to somebody else is never taken for ours.
# shellcheck shell=bash
# shellcheck disable=SC2154

# Empty for a process that has ended, also while nobody has collected it yet.
start_time_of() { awk '{ sub(/.*\) /, ""); if ($1 != "Z") print $20 }' "/proc/$1/stat" 2> /dev/null; }

is_running() {
  local pid started
  read -r pid started 2> /dev/null < "$state/pids/$1" || return 1
  [ -n "$started" ] && [ "$(start_time_of "$pid")" = "$started" ]
}

process_of() { cut -d ' ' -f 1 "$state/pids/$1"; }

# start NAME COMMAND...: in the background, in a session of its own, its output in log/NAME.log; nothing where it runs.
start() {
  local name=$1 pid
  shift
  is_running "$name" && return 0
  mkdir -p "$state/pids" "$state/log"
  setsid "$@" >> "$state/log/$name.log" 2>&1 < /dev/null &
  pid=$!
  echo "$pid $(start_time_of "$pid")" > "$state/pids/$name"
}

# stop NAME...: ask them all, wait up to ten seconds, then insist. SIGNAL=KILL insists at once.
stop() {
  local name pid deadline=$((SECONDS + 10))
  for name in "$@"; do
    is_running "$name" || continue
    read -r pid _ < "$state/pids/$name"
    kill -"${SIGNAL:-TERM}" -- "-$pid" 2> /dev/null || true
  done
  for name in "$@"; do
    while is_running "$name" && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
    if is_running "$name"; then read -r pid _ < "$state/pids/$name"; kill -KILL -- "-$pid" 2> /dev/null || true; fi
    rm -f "$state/pids/$name"
  done
}

# await SECONDS WHAT COMMAND...: until the command succeeds; says what it waited for when it never did.
await() {
  local seconds=$1 what=$2 deadline=$((SECONDS + $1))
  shift 2
  until "$@" > /dev/null 2>&1; do
    if [ $SECONDS -ge $deadline ]; then
      echo "$what: not after $seconds s; the logs are in $state/log" >&2
      return 1
    fi
    sleep 0.3
  done
}
