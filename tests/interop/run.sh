#!/usr/bin/env bash
# Keepsake together with the real programs of others. Every *_test.py and *_test.sh of this folder is a script
# that ends with a line "N passed, N failed" (exit 77: what it needs is not installed); this adds them up.
#   tests/interop/run.sh [NAME...]     as in  tests/interop/run.sh redis
# KEEPSAKE_BIN is the program or the folder that holds it; default build/release/bin.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2

passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for file in *_test.py *_test.sh; do
  [[ -e $file ]] || continue
  wanted=$(($# == 0))
  for name in "$@"; do
    [[ $file == "$name"* ]] && wanted=1
  done
  ((wanted)) || continue
  echo "==> $file"
  case $file in
    *.py) python3 -B "$file" 2>&1 | tee "$log" ;;
    *) bash "$file" 2>&1 | tee "$log" ;;
  esac
  status=${PIPESTATUS[0]}
  if ((status == 77)); then
    echo "skipped: $file"
    continue
  fi
  good=0 bad=0
  read -r good bad < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p' "$log" | tail -n 1) || true
  if ((status != 0 && ${bad:-0} == 0)); then
    bad=1
  fi
  passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
