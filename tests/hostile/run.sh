#!/usr/bin/env bash
# The running program against hostile peers: thousands of odd requests and responses held against a second
# reading of the RFCs, floods, truncation by SIGKILL, long streams, and what the logs say of it all.
#   tests/hostile/run.sh [TEST...]     as in  tests/hostile/run.sh test_requests.Requests
# KEEPSAKE_BIN is the program or the folder that holds it; default build/release/bin. HOSTILE=long tries every
# byte at every place and streams 10 GiB each way (some minutes).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
PYTHONPATH=. exec python3 -B ../cli/runner.py "$@"
