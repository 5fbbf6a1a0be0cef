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
# shellcheck source=tests/support/node_tests.sh
source ../support/node_tests.sh

# Fetched again only when the lock file is another one than last time.
if ! cmp -s package-lock.json node_modules/.installed-lock; then
  echo "installing playwright-core and axe-core"
  npm ci --no-audit --no-fund --ignore-scripts || exit 1
  cp package-lock.json node_modules/.installed-lock
fi

passed=0 failed=0 good=0 bad=0
for file in *.test.mjs; do
  node_tests 900 "$file"
  passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
((failed == 0))
