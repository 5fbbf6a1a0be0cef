#!/usr/bin/env bash
# What stays the same between versions: what earlier releases wrote, read by this program.
#   tests/promises/run.sh [TEST...]     as in  tests/promises/run.sh test_promises.Cookies
# KEEPSAKE_BIN is the program or the folder that holds it; default build/release/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PYTHONPATH=$PWD:$PWD/../cli:$PWD/../interop:$PWD/../eyes${PYTHONPATH:+:$PYTHONPATH}
# Debian's Python: python3-flask and python3-prometheus-client are for it.
exec /usr/bin/python3 -B ../cli/runner.py "$@"
