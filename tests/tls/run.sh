#!/usr/bin/env bash
# TLS and the PROXY protocol with the real program: openssl s_client and curl as clients, nginx as a backend,
# certificates made on the spot.
#   tests/tls/run.sh [TEST...]     as in  tests/tls/run.sh test_listener.Versions
# KEEPSAKE_BIN is the program or the folder that holds it; default build/release/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
PYTHONPATH=../cli exec python3 -B ../cli/runner.py "$@"
