# shellcheck shell=bash
# Sourced by run.sh and guard.sh: compiles the C tools into a temporary folder that goes away at the
# end, checks that what both need is there, and provides exec_python.

bench_needs=(gcc python3 taskset setpriv openssl nginx)
bench_missing=()
PATH=$PATH:/usr/sbin:/sbin
for name in "${bench_needs[@]}"; do
  command -v "$name" >/dev/null || bench_missing+=("$name")
done
if ((${#bench_missing[@]})); then
  echo "missing: ${bench_missing[*]}" >&2
  echo "apt install gcc libssl-dev python3 util-linux openssl nginx" >&2
  exit 2
fi

BENCH_TOOLS=$(mktemp -d "${TMPDIR:-/tmp}/keepsake-bench-tools-XXXXXX")
export BENCH_TOOLS
trap 'rm -rf "$BENCH_TOOLS"' EXIT
bench_flags=(-O2 -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Werror)
bench_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
gcc "${bench_flags[@]}" -o "$BENCH_TOOLS/relay" "$bench_source/relay.c"
gcc "${bench_flags[@]}" -o "$BENCH_TOOLS/load" "$bench_source"/load*.c -lssl -lcrypto
gcc "${bench_flags[@]}" -shared -fPIC -o "$BENCH_TOOLS/count_allocations.so" \
  "$bench_source/count_allocations.c" -ldl

# Not exec: the trap above has to run afterwards.
exec_python() {
  local status=0
  PYTHONDONTWRITEBYTECODE=1 python3 "$@" || status=$?
  exit "$status"
}
