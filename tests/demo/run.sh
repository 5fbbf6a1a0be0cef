#!/usr/bin/env bash
# deploy/demo.sh as a user meets it: from anywhere, twice, detached and not, with its ports taken.
# It needs the real ports 8080 and 8081 of this machine.
# shellcheck disable=SC2016,SC2034  # conditions are strings, expanded where they are checked
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
demo=$root/deploy/demo.sh
site=http://127.0.0.1:8080
work=$(mktemp -d)
passed=0 failed=0
trap '"$demo" --stop >/dev/null; rm -rf "$work"' EXIT
cd / || exit 2

check() { # SENTENCE COMMAND...
  local sentence=$1
  shift
  if "$@" >"$work/check" 2>&1; then
    echo "ok      $sentence"
    passed=$((passed + 1))
  else
    echo "FAILED  $sentence"
    sed 's/^/        /' "$work/check" "$work/said" | tail -n 40
    failed=$((failed + 1))
  fi
}
page() { curl -fsS --max-time 10 -b "$work/jar" -c "$work/jar" "$@"; }
says() { grep -qF -- "$1" "$work/said"; }
nobody_listens() { ! (: <>/dev/tcp/127.0.0.1/8080) 2>/dev/null && ! (: <>/dev/tcp/127.0.0.1/8081) 2>/dev/null; }
exits_with() { # STATUS COMMAND...: what it says is kept
  local wanted=$1 status
  shift
  "$@" >"$work/said" 2>&1
  status=$?
  echo "exit status $status, expected $wanted"
  [[ $status == "$wanted" ]]
}
both() { # COMMAND... , each a string
  local command
  for command in "$@"; do
    eval "$command" || { echo "not so: $command"; return 1; }
  done
}

check "--detach returns when both answer, and says where" \
  both 'exits_with 0 "$demo" --detach' 'says "    $site/"' 'says "deploy/demo.sh --stop"' \
  'page "$site/" | grep -q "name=\"name\""' 'curl -fsS http://127.0.0.1:8081/healthz'
check "a name given to the page is its heading, until the reset" \
  both 'page -L -d "name=Ada" "$site/setName" | grep -qF "<h1>Ada</h1>"' \
  'page "$site/" | grep -qF "<h1>Ada</h1>"' '! page -L "$site/reset" | grep -qF "<h1>"'
pids=$(cat "$root"/build/demo/*.pid)
check "--detach again leaves the demo as it runs" \
  both 'exits_with 0 "$demo" --detach' 'says "runs already"' \
  '[[ $(cat "$root"/build/demo/*.pid) == "$pids" ]]'
check "in the foreground it refuses to run beside a detached one" \
  both 'exits_with 1 "$demo"' 'says "runs already"' 'page "$site/"'
check "--stop ends both" both 'exits_with 0 "$demo" --stop' nobody_listens
check "--stop has nothing against a demo that does not run" exits_with 0 "$demo" --stop

# A background job of a script ignores Ctrl-C unless it is given its default back.
env --default-signal=INT "$demo" >"$work/said" 2>&1 &
foreground=$!
for _ in {1..600}; do
  says "Ctrl-C stops it" && break
  kill -0 "$foreground" 2>/dev/null || break
  sleep 0.1
done
check "in the foreground it prints the address" both 'says "    $site/"' 'page "$site/"'
kill -INT "$foreground"
wait "$foreground"
status=$?
check "Ctrl-C stops both" both '[[ $status == 130 ]]' nobody_listens

for port in 8080 8081; do
  "$root/build/release/bin/demo-backend" --listen "127.0.0.1:$port" >"$work/holder" &
  holder=$!
  until grep -q listens "$work/holder"; do
    kill -0 "$holder" || break
    sleep 0.05
  done
  check "port $port in use is said before anything is built" \
    both 'exits_with 1 "$demo" --detach' 'says "port $port is in use"' '! says building'
  kill "$holder"
  wait "$holder"
done
check "an unknown option shows the usage" both 'exits_with 2 "$demo" --nonsense' 'says "--detach"'

echo "$passed passed, $failed failed"
((failed == 0))
