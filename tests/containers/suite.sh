#!/usr/bin/env bash
# A stranger's first hour on a bare Debian, in a chroot: what the README says, to the letter, then the unit and wire tests. Root, the
# network and minutes. The last line counts the checks.
#   tests/containers/suite.sh [SUITE [FOLDER]]     default trixie; FOLDER is kept, and what it has is not made again
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 2
# shellcheck source=deploy/dependencies.sh
source deploy/dependencies.sh
ensure_packages debootstrap git/git curl/curl || exit 1

suite=${1-trixie}
made=''
[[ -n ${2-} ]] || made=$(mktemp -d)
tree=${2-$made}
# shellcheck disable=SC2317
clean_up() {
  mountpoint -q "$tree/proc" && umount "$tree/proc"
  mountpoint -q "$tree/dev" && umount "$tree/dev"
  [[ -z $made ]] || rm -rf "$made"
}
trap clean_up EXIT

mirror=$(sed -n 's/^URIs:[[:space:]]*//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
if [[ ! -e $tree/etc/debian_version ]]; then
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$tree" "${mirror:-http://deb.debian.org/debian}" \
    >"$tree.log" 2>&1 || { tail -n 20 "$tree.log" >&2; exit 1; }
fi
cp /etc/resolv.conf "$tree/etc/resolv.conf"
mkdir -p "$tree/src"
git archive HEAD | tar -x -C "$tree/src"
mountpoint -q "$tree/proc" || mount -t proc proc "$tree/proc"
mountpoint -q "$tree/dev" || mount --bind /dev "$tree/dev"

good=0 bad=0
check() { # SENTENCE COMMAND inside of the suite
  local began=$SECONDS
  if chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 bash -c "cd /src && $2" >"$tree/log" 2>&1; then
    echo "ok      $1 ($((SECONDS - began)) s)"
    good=$((good + 1))
  else
    echo "FAILED  $1"
    tail -n 40 "$tree/log"
    bad=$((bad + 1))
  fi
}

check "the packages are installed on a bare $suite" "source deploy/dependencies.sh && ensure_build_packages"
check "the two programs are built without tests" "cmake --preset release && cmake --build --preset release"
# shellcheck disable=SC2016  # expanded inside
check "the demo answers" 'build/release/bin/keepsake run --demo --listen 127.0.0.1:0 2>/tmp/demo & pid=$!
  for i in {1..100}; do url=$(grep ^http: /tmp/demo) && break; sleep 0.1; done
  build/release/bin/keepsake health "$url"; status=$?; kill $pid; wait $pid; exit $status'
check "the packages of the tests" "source deploy/dependencies.sh && ensure_packages catch2 python3/python3 git/git"
check "the tests are built" "cmake --preset release && cmake --build --preset release"
check "the unit and wire tests pass" "ctest --preset release -LE slow -j2 --repeat until-pass:2"
sed -n 's/^\([0-9]*% tests passed.*\)/\1/p' "$tree/log"

echo "$good passed, $bad failed"
((bad == 0))
