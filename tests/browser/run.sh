#!/usr/bin/env bash
# demo-backend by itself, then the story of the demo in headless Chromium through keepsake.
#   tests/browser/run.sh [BIN]      BIN (or KEEPSAKE_BIN) holds both programs; default build/release/bin
# UPDATE_SCREENSHOT=1 also replaces demo-backend/screenshot.png, the picture in the README.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here" || exit 2
export KEEPSAKE_BIN=${1:-${KEEPSAKE_BIN:-$here/../../build/release/bin}}
[[ -d $KEEPSAKE_BIN ]] || KEEPSAKE_BIN=$(dirname "$KEEPSAKE_BIN")
mkdir -p out

# Fetched again only when the lock file is another one than last time.
if ! cmp -s package-lock.json node_modules/.installed-lock; then
  echo "installing playwright-core and axe-core"
  npm ci --no-audit --no-fund --ignore-scripts || exit 1
  cp package-lock.json node_modules/.installed-lock
fi

passed=0 failed=0 status=0
for file in *.test.mjs; do
  timeout 900 node --test-reporter=spec "$file" 2>&1 </dev/null | tee "out/$file.log" || status=1
  good=$(sed -nE 's/^[^ ]+ pass ([0-9]+)$/\1/p' "out/$file.log" | tail -n 1)
  bad=$(sed -nE 's/^[^ ]+ (fail|cancelled) ([0-9]+)$/\2/p' "out/$file.log" | awk '{n += $1} END {print n + 0}')
  # A run that did not reach its end has no figures, and has failed.
  [[ -n $good ]] || bad=1
  passed=$((passed + ${good:-0})) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
((status == 0 && failed == 0))
