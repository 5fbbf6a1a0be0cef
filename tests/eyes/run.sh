#!/usr/bin/env bash
# What operators see, by their own tools: promtool on the metrics and the alert rules, the OpenMetrics
# parser of python3-prometheus-client, the dashboard, the access log, `keepsake top`.
#   tests/eyes/run.sh [TEST...]     as in  tests/eyes/run.sh test_metrics.Formats
# KEEPSAKE_BIN is the program or the folder that holds it; default build/release/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PYTHONPATH=$PWD:$PWD/../cli${PYTHONPATH:+:$PYTHONPATH}
# Debian's Python: the module is for it.
exec /usr/bin/python3 -B ../cli/runner.py "$@"
