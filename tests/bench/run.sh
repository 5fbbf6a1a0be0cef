#!/usr/bin/env bash
# Measures keepsake (build/release/bin/keepsake, or $KEEPSAKE) beside what would be used instead, and
# the floor. Debian 12 has everything:
#   apt install gcc libssl-dev python3 nginx haproxy apache2 python3-flask gunicorn linux-perf valgrind
# A peer that is not installed is left out and the table says so. Only loopback is used; configurations,
# logs and small C programs live in a temporary folder; everything is stopped at the end.
#
#   tests/bench/run.sh                          the main table (about 4 minutes)
#   tests/bench/run.sh --scenario all           everything
#   tests/bench/run.sh --quick --only nginx,keepsake
#   tests/bench/run.sh --help
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/bench/tools/prepare.sh
. "$here/tools/prepare.sh"
exec_python "$here/lib/main.py" "$@"
