#!/usr/bin/env bash
# Builds Keepsake and its demo backend, starts both and says where to look. Needs a Debian 12 or 13, nothing more.
#   deploy/demo.sh            until Ctrl-C
#   deploy/demo.sh --detach   returns once both answer, and says how to stop them
#   deploy/demo.sh --stop     stops what --detach left running
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=deploy/dependencies.sh
source deploy/dependencies.sh

proxy=http://127.0.0.1:8080
backend=http://127.0.0.1:8081
bin=$root/build/release/bin
run=$root/build/demo # logs and process ids

usage() { sed -n '2,5s/^# \{0,1\}//p' "$root/deploy/demo.sh"; }
step() { echo "==> $*"; }
fail() {
  echo "error: $*" >&2
  exit 1
}

# True while the process of that name's file runs and is that program, not a later owner of its number.
runs() { # NAME
  [[ -r $run/$1.pid && $(readlink "/proc/$(<"$run/$1.pid")/exe" 2>/dev/null) == "$bin/$1"* ]]
}

stop() { # NAME
  local i
  for ((i = 0; i < 100; ++i)); do
    if ! runs "$1"; then
      break
    elif ((i == 0 || i == 20)); then # asked a second time, a program no longer waits for its clients
      kill -TERM "$(<"$run/$1.pid")" 2>/dev/null || true
    fi
    sleep 0.1
  done
  if runs "$1"; then
    kill -KILL "$(<"$run/$1.pid")" 2>/dev/null || true
  fi
  rm -f "$run/$1.pid"
}

stop_both() {
  stop keepsake
  stop demo-backend
}

# A session of its own: Ctrl-C then reaches this script alone, which ends both in order.
start() { # NAME ARGUMENTS...
  setsid "$bin/$1" "${@:2}" >"$run/$1.log" 2>&1 </dev/null &
  echo $! >"$run/$1.pid"
}

wait_for() { # NAME URL
  for _ in {1..100}; do
    if ! kill -0 "$(<"$run/$1.pid")" 2>/dev/null; then
      cat "$run/$1.log" >&2
      fail "$1 did not start; what it said is above"
    fi
    if "$bin/keepsake" health "$2" >/dev/null 2>&1; then
      return
    fi
    sleep 0.1
  done
  cat "$run/$1.log" >&2
  fail "$1 does not answer at $2; what it said is above"
}

build() {
  cmake --preset release && cmake --build --preset release --target keepsake demo-backend
}

case ${1-} in
  '' | --detach) ;;
  --stop)
    stop_both
    echo "The demo is stopped."
    exit
    ;;
  -h | --help)
    usage
    exit
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac

if runs keepsake && runs demo-backend; then
  [[ ${1-} == --detach ]] || fail "the demo runs already at $proxy/; stop it with: deploy/demo.sh --stop"
  echo "The demo runs already: $proxy/"
  echo "Stop it with: deploy/demo.sh --stop"
  exit
fi
stop_both # what a half of it may have left

for port in "${proxy##*:}" "${backend##*:}"; do
  if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    fail "port $port is in use, and the demo needs it; who uses it: ss -ltnp 'sport = :$port'"
  fi
done

ensure_build_packages
mkdir -p "$run"
step "building (the first time takes minutes)"
build 2>&1 | tee "$run/build.log" | { grep --line-buffered -E '^\[[0-9]+/[0-9]+\]|error|warning' || true; } ||
  fail "the build failed; all it said is in build/demo/build.log"

step "starting"
secret=$("$bin/keepsake" keygen) || fail "keepsake could not make a secret"
trap stop_both EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
start demo-backend
SESSION_KEY=$secret start keepsake run --config config/demo.yaml
wait_for demo-backend "$backend/healthz"
wait_for keepsake "$proxy/healthz"

echo
echo "    $proxy/"
echo
if [[ ${1-} == --detach ]]; then
  trap - EXIT
  echo "Logs are in build/demo/. Stop it with: deploy/demo.sh --stop"
  exit
fi
echo "Logs are in build/demo/. Ctrl-C stops it."
wait -n || true # returns early only if one of the two ends
for name in keepsake demo-backend; do
  if ! runs "$name"; then
    tail -n 5 "$run/$name.log" >&2
    fail "$name ended by itself; what it said last is above"
  fi
done
