#!/usr/bin/env bash
# Builds and runs the tests; the last line counts test cases. Logs of every stage: build/tests/.
#   tests/run.sh            unit, wire, command line, examples, browser: under 10 minutes
#   tests/run.sh --quick    unit and wire: half a minute after a change in a built tree on two cores
#   tests/run.sh --full     and sanitizers, fuzzers, chaos, the demo, the instruction guard, and where docker or
#                           podman answers containers (KEEPSAKE_CONTAINERS=no leaves them out): what CI runs
#   tests/run.sh --all      and containers with the compiler inside of them, and the package: root and minutes
# A folder joins by having a run.sh that ends with a line "N passed, N failed".
# shellcheck disable=SC2317  # stages are called by name
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 2
# shellcheck source=deploy/dependencies.sh
source deploy/dependencies.sh

# One compiler cache for every build and every clone of this repository.
export CCACHE_BASEDIR=${CCACHE_BASEDIR-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR-1}
fuzz_seconds=20
logs=$root/build/tests
passed=0 failed=0
failed_stages=()
failures=() # the lines that name the tests of failed stages
summary=()

usage() { sed -n '2,8s/^# \{0,1\}//p' "$root/tests/run.sh"; }

mode=plain
case ${1-} in
  '') ;;
  --quick | --full | --all) mode=${1#--} ;;
  -h | --help)
    usage
    exit
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac

# Runs a command; leaves its exit status and its counts in status, good and bad.
attempt() { # NAME COMMAND...
  local log=$logs/$1.log
  "${@:2}" 2>&1 </dev/null | tee "$log"
  status=${PIPESTATUS[0]} good=0 bad=0
  read -r good bad < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p' "$log" | tail -n 1) || true
  good=${good:-0} bad=${bad:-0}
  if ((status != 0 && bad == 0)); then
    bad=1
  fi
}

# The lines by which a log names the tests that failed.
name_failures() { # LOG
  grep -hE '^(FAIL|FAILED|✖|not ok)|\*\*\*(Failed|Timeout|Exception)|^[0-9]+: .*: FAILED:' "$1" | cut -c1-200 | head -n 40
}

# Runs one stage with its output shown and kept, adds up its last "N passed, N failed". A stage that
# fails without having counted a failure counts as one; the stages after it run all the same.
stage() { # NAME COMMAND...
  local name=$1 began=$SECONDS status good bad took
  shift
  echo "==> $name"
  attempt "$name" "$@"
  took=$((SECONDS - began))
  passed=$((passed + good)) failed=$((failed + bad))
  summary+=("$(printf '%-18s %5d s  %5d passed, %d failed' "$name" "$took" "$good" "$bad")")
  if ((status != 0 || bad != 0)); then
    failed_stages+=("$name")
    failures+=("$(name_failures "$logs/$name.log")")
    echo "==> $name FAILED after $took s (log: build/tests/$name.log)"
    return 1
  fi
  echo "==> $name took $took s"
}

configure() { # PRESET [OPTION...]
  cmake --preset "$@" >"$logs/configure-$1.log" 2>&1 || { cat "$logs/configure-$1.log"; return 1; }
}

build() { # PRESET
  configure "$1" ${CI:+-DKEEPSAKE_WERROR=ON} && cmake --build --preset "$1"
}

# Test cases inside of a ctest run, by number of the test that they belong to: what Catch2 says where it
# says anything, else one.
count_cases() { # LOG
  awk '
    match($0, /^[0-9]+: All tests passed \(.* in [0-9]+ test case/) {
      id = $1 + 0; split($0, part, " in "); good[id] = part[2] + 0; bad[id] = 0
    }
    /^[0-9]+: test cases: / {
      id = $1 + 0; good[id] = 0; bad[id] = 0
      count = split($0, part, "|")
      for (i = 2; i <= count; ++i) {
        if (part[i] ~ /passed/) good[id] = part[i] + 0
        if (part[i] ~ /failed *$/) bad[id] = part[i] + 0
      }
    }
    match($0, /^ *([0-9]+\/[0-9]+ )?Test +#[0-9]+: /) {
      split(substr($0, RSTART, RLENGTH), part, "#"); id = part[2] + 0
      if ($0 ~ / Passed /) { if (!(id in good) || bad[id]) { good[id] = 1; bad[id] = 0 } }
      else if ($0 ~ /\*\*\*(Skipped|Not Run \(Disabled\))/) {}
      else if (!(id in bad) || bad[id] == 0) { good[id] += 0; bad[id] = 1 }
    }
    END {
      for (id in good) { passed += good[id]; failed += bad[id] }
      printf "%d passed, %d failed\n", passed, failed
    }' "$1"
}

# Every ctest that the command chooses: one line each, and all that a failed one said. A test that failed runs
# once more: most of them wait for real time somewhere, on a machine that may be busy. What a sanitizer or a fuzzer
# has found once is a failure.
run_ctest() { # NAME COMMAND...
  local log=$logs/ctest-$1.log repeat=until-pass:2 status number
  [[ $1 != fuzz ]] || repeat=until-fail:1
  "${@:2}" -j "${jobs-$(nproc)}" --timeout 600 --no-tests=error --repeat "$repeat" -V >"$log" 2>&1
  status=$?
  if grep -qE '^[0-9]+: .*(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: )' "$log"; then
    status=1
  fi
  grep -E '^ *([0-9]+/[0-9]+ )?Test +#' "$log"
  if ((status != 0)); then
    sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#([0-9]+):.*\*\*\*.*/\1/p' "$log" | while read -r number; do
      grep -E "^$number: " "$log" | tail -n 300
    done
    # What went wrong before any test ran has no number.
    grep -qE '^ *[0-9]+/[0-9]+ Test ' "$log" || tail -n 50 "$log"
  fi
  count_cases "$log"
  return "$status"
}

# The programs of a configured preset whose names match, as targets.
programs() { # PRESET PATTERN
  ninja -C "build/$1" -t targets all | sed -nE 's/^(bin\/[a-z0-9_-]+): .*/\1/p' | grep -E "$2"
}

# Most of these wait more than they compute: whoever waits for them runs more at a time than there are cores.
quick_tests() {
  local jobs=$((4 * $(nproc)))
  run_ctest release ctest --preset release --label-exclude '^slow$'
}

# Everything under AddressSanitizer and UndefinedBehaviorSanitizer; the fuzz targets have a stage of
# their own, chaos takes the program from here. Left out is `vptr`: at a type that it meets for the first
# time it looks through a pipe, and some tests leave no descriptor for one.
address_sanitizer() {
  local targets
  configure asan -DKEEPSAKE_FUZZ_SECONDS="$fuzz_seconds" || return
  mapfile -t targets < <(programs asan . | grep -vE '^bin/(demo-backend|bench_.*)$')
  cmake --build --preset asan --target "${targets[@]}" || return
  run_ctest asan ctest --preset asan --label-exclude '^(structure|fuzz)$'
}

# ThreadSanitizer cannot map its shadow where addresses are randomised over too many bits.
without_random_addresses() { # COMMAND...
  if setarch -R true 2>/dev/null; then
    setarch -R "$@"
  else
    "$@"
  fi
}

# The same under ThreadSanitizer but for what replaces operator new or only replays seeds; the stage after it sends
# a short storm through a whole keepsake with two workers.
thread_sanitizer() {
  local targets tests='test_(base|http|config|session|store|backend|routing|wire(_[a-z_]+)?)'
  export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1 ${TSAN_OPTIONS-}"
  configure tsan || return
  mapfile -t targets < <(programs tsan "^bin/(keepsake|$tests)$")
  cmake --build --preset tsan --target "${targets[@]}" || return
  run_ctest tsan without_random_addresses ctest --preset tsan --tests-regex "^$tests$"
}

storm_of_threads() {
  export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1 ${TSAN_OPTIONS-}"
  without_random_addresses env KEEPSAKE_BIN=build/tsan/bin/keepsake STORM_SECONDS=20 tests/chaos/run.sh --threads
}

# Each target for a while, from its seeds; what an earlier run found in this build folder is kept.
fuzzers() {
  programs asan '^bin/fuzz_' >/dev/null || { echo "there are no fuzz targets"; return 1; }
  run_ctest fuzz ctest --preset asan --label-regex '^fuzz$'
}

# What the table of requirements says that the scripts show, they have shown.
requirements() {
  python3 -B tests/check_requirements.py . --scripts --all "$KEEPSAKE_SCRIPT_RECORD" && echo "1 passed, 0 failed"
}

# A part of the tests that is a script of its own.
script() { # NAME PATH
  if [[ -x $2 ]]; then
    stage "$1" twice_at_most "$1" "$2"
  fi
}

# Real programs on a busy machine miss a deadline now and then. A script that failed runs once more, and what failed
# the first time is named at the end: a test that is named there often is to be repaired.
twice_at_most() { # NAME PATH
  "$2" | tee "$logs/$1-first.log"
  ((PIPESTATUS[0] == 0)) && return
  echo "==> $1 runs once more"
  "$2"
}

# The tests that failed once and passed the second time.
name_unsteady() {
  local log
  for log in "$logs"/*-first.log; do
    [[ -e $log ]] && name_failures "$log" | sed 's|^|failed at first: |'
  done
  for log in "$logs"/ctest-*.log; do
    [[ -e $log ]] && sed -nE 's|^ +Test +#[0-9]+: ([^ ]+) .* Passed .*|failed at first: \1|p' "$log"
  done
  return 0
}

container_engine() {
  [[ ${KEEPSAKE_CONTAINERS-yes} != no ]] && { docker info || podman info; } >/dev/null 2>&1
}

# A function, so that the script may be edited while it runs.
main() {
  local began=$SECONDS
  ensure_build_packages && ensure_test_packages || exit 1
  [[ $mode != full && $mode != all ]] || ensure_full_packages || exit 1
  mkdir -p "$logs"
  export KEEPSAKE_SCRIPT_RECORD=$logs/record
  rm -rf "$KEEPSAKE_SCRIPT_RECORD" "$logs"/*-first.log "$logs"/ctest-*.log
  mkdir "$KEEPSAKE_SCRIPT_RECORD"

  if ! stage build build release; then
    echo "0 passed, 1 failed"
    exit 1
  fi
  if [[ $mode == quick ]]; then
    stage unit-and-wire quick_tests
  else
    stage unit-and-wire run_ctest release ctest --preset release
    script command-line tests/cli/run.sh
    script life tests/life/run.sh
    script examples tests/examples/run.sh
    script interop tests/interop/run.sh
    script promises tests/promises/run.sh
    script hostile tests/hostile/run.sh
    script websocket tests/websocket/run.sh
    script tls tests/tls/run.sh
    script eyes tests/eyes/run.sh
    script browser tests/browser/run.sh
    stage requirements requirements
  fi
  if [[ $mode == full || $mode == all ]]; then
    script demo tests/demo/run.sh
    script instruction-guard tests/bench/guard.sh
    stage address-sanitizer address_sanitizer
    script chaos tests/chaos/run.sh
    stage fuzzers fuzzers
    stage thread-sanitizer thread_sanitizer
    stage chaos-of-threads storm_of_threads
  fi
  if [[ $mode == full ]] && container_engine; then
    stage containers deploy/test-containers.sh --prebuilt build/release/bin
  fi
  if [[ $mode == all ]]; then
    script containers deploy/test-containers.sh
    script package tests/containers/package.sh
    script release tests/containers/release.sh
  fi

  echo
  printf '%s\n' "${summary[@]}"
  printf '%-18s %5d s\n' "all of it" $((SECONDS - began))
  name_unsteady
  ((${#failures[@]} == 0)) || printf '%s\n' "${failures[@]}"
  ((${#failed_stages[@]} == 0)) || echo "failed: ${failed_stages[*]}"
  echo "$passed passed, $failed failed"
  ((failed == 0 && ${#failed_stages[@]} == 0))
}

main
exit
