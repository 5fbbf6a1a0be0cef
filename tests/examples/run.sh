#!/usr/bin/env bash
# Every file of config/examples/ in front of the service it is for, and the tutorial, command by command.
#   tests/examples/run.sh [TEST...]      KEEPSAKE_BIN: the folder of the programs, default build/release/bin
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2
if ! cmp -s package-lock.json node_modules/.installed-lock; then
  npm ci --no-audit --no-fund --ignore-scripts || exit 1
  cp package-lock.json node_modules/.installed-lock
fi
PYTHONPATH=$PWD:$PWD/../cli exec python3 -B ../cli/runner.py "$@"
