#!/usr/bin/env bash
# The real program from its command line: usage, bad input, keys and cookies, signals, the admin listener.
#   tests/cli/run.sh [TEST...]     as in  tests/cli/run.sh test_signals.Drain
# KEEPSAKE_BIN is the program or the folder that holds it; default build/release/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec python3 -B runner.py "$@"
