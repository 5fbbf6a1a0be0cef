#!/usr/bin/env bash
# WebSockets of npm's ws, client and server, through keepsake.
#   tests/websocket/run.sh [BIN]      BIN (or KEEPSAKE_BIN) holds the program; default build/release/bin
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here" || exit 2
export KEEPSAKE_BIN=${1:-${KEEPSAKE_BIN:-$here/../../build/release/bin}}
[[ -d $KEEPSAKE_BIN ]] || KEEPSAKE_BIN=$(dirname "$KEEPSAKE_BIN")
# shellcheck source=tests/support/node_tests.sh
source ../support/node_tests.sh

# Fetched again only when the lock file is another one than last time.
if ! cmp -s package-lock.json node_modules/.installed-lock; then
  npm ci --no-audit --no-fund --ignore-scripts || exit 1
  cp package-lock.json node_modules/.installed-lock
fi

node_tests 300 websocket.test.mjs
echo "$good passed, $bad failed"
((bad == 0))
