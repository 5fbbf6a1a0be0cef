#!/usr/bin/env bash
# The storm under AddressSanitizer, for a minute. STORM_SECONDS, STORM_SEED and KEEPSAKE_BIN change that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
binary=${KEEPSAKE_BIN:-build/asan/bin/keepsake}
if [[ ! -x $binary ]]; then
  cmake --preset asan >/dev/null
  cmake --build --preset asan --target keepsake
fi
exec python3 tests/chaos/storm.py --keepsake "$binary" --seconds "${STORM_SECONDS:-60}" --seed "${STORM_SEED:-1}" "$@"
