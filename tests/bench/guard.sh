#!/usr/bin/env bash
# Fails when a request of keepsake (build/release/bin/keepsake, or $KEEPSAKE) costs 3 % more user
# instructions than guard.json says, or any heap allocation. Instructions by callgrind are exact to
# about 1 %, where microseconds are not.  --update writes guard.json;  --nginx counts nginx as well.
#   apt install gcc libssl-dev python3 nginx valgrind
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v valgrind >/dev/null || { echo "missing: valgrind" >&2; exit 2; }
# shellcheck source=tests/bench/tools/prepare.sh
. "$here/tools/prepare.sh"
exec_python "$here/lib/guard.py" "$@"
