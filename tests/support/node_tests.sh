# shellcheck shell=bash
# Runs one file of Node's test runner; sourced by the folders of such tests. Leaves the counts in good and bad.
# With KEEPSAKE_SCRIPT_RECORD in the environment, a folder, it leaves the verdict on each test there for
# check_requirements.py.
node_tests() { # SECONDS FILE
  local file=$2 folder log status
  folder=$(basename "$PWD")
  log=$(mktemp)
  timeout "$1" node --test-reporter=spec "$file" 2>&1 </dev/null | tee "$log"
  status=${PIPESTATUS[0]}
  good=$(sed -nE 's/^[^ ]+ pass ([0-9]+)$/\1/p' "$log" | tail -n 1)
  bad=$(sed -nE 's/^[^ ]+ (fail|cancelled) ([0-9]+)$/\2/p' "$log" | awk '{n += $1} END {print n + 0}')
  # A run that did not reach its end has no figures, and has failed.
  if [[ -z $good ]] || ((status != 0 && bad == 0)); then
    bad=1
  fi
  good=${good:-0}
  if [[ -n ${KEEPSAKE_SCRIPT_RECORD-} ]]; then
    sed -nE "s|^ *✔ (.*) \([0-9.]+ms\)\$|passed $folder/$file::\1|p
      s|^ *✖ (.*) \([0-9.]+ms\)\$|failed $folder/$file::\1|p" "$log" >"$KEEPSAKE_SCRIPT_RECORD/$folder-$file"
  fi
  rm -f "$log"
}
