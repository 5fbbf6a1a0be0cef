#!/usr/bin/env bash
# The life of the process: reloads and upgrades under load, drains, systemd, log files, what its memory keeps.
#   tests/life/run.sh [TEST...]     as in  tests/life/run.sh test_upgrade
# KEEPSAKE_BIN is the program or the folder that holds it; default build/release/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
PYTHONPATH=. exec python3 -B ../cli/runner.py "$@"
