#!/usr/bin/env bash
# WebSockets of npm's ws, client and server, through keepsake.
#   tests/websocket/run.sh [BIN]      BIN (or KEEPSAKE_BIN) holds the program; default build/release/bin
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here" || exit 2
export KEEPSAKE_BIN=${1:-${KEEPSAKE_BIN:-$here/../../build/release/bin}}
[[ -d $KEEPSAKE_BIN ]] || KEEPSAKE_BIN=$(dirname "$KEEPSAKE_BIN")

# Fetched again only when the lock file is another one than last time.
if ! cmp -s package-lock.json node_modules/.installed-lock; then
  npm ci --no-audit --no-fund --ignore-scripts || exit 1
  cp package-lock.json node_modules/.installed-lock
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
timeout 300 node --test-reporter=spec websocket.test.mjs 2>&1 </dev/null | tee "$log" || status=1
good=$(sed -nE 's/^[^ ]+ pass ([0-9]+)$/\1/p' "$log" | tail -n 1)
bad=$(sed -nE 's/^[^ ]+ (fail|cancelled) ([0-9]+)$/\2/p' "$log" | awk '{n += $1} END {print n + 0}')
if [[ -n ${KEEPSAKE_SCRIPT_RECORD-} ]]; then # for check_requirements.py
  sed -nE 's|^✔ (.*) \([0-9.]+ms\)$|passed websocket/websocket.test.mjs::\1|p
    s|^✖ (.*) \([0-9.]+ms\)$|failed websocket/websocket.test.mjs::\1|p' "$log" >"$KEEPSAKE_SCRIPT_RECORD/websocket"
fi
[[ -n $good ]] || bad=1 # a run that did not reach its end has no figures, and has failed
echo "${good:-0} passed, $bad failed"
((status == 0 && bad == 0))
