#!/usr/bin/env bash
# Makes the Debian package of a release build and installs, upgrades, removes and purges it in a container; then runs
# its service in one whose first process is systemd. The last line counts the checks.
#   tests/containers/package.sh [BUILD]        default build/release
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 2
# shellcheck source=deploy/dependencies.sh
source deploy/dependencies.sh
# shellcheck source=tests/containers/engine.sh
source tests/containers/engine.sh

build=$(realpath "${1-build/release}")
base_image=docker.io/library/debian:bookworm-slim
project=keepsakepackage$$
work=$(mktemp -d)
engine=''
# shellcheck disable=SC2317
clean_up() {
  [[ -z $engine ]] || {
    containers rm -f "$project" "$project-systemd" >/dev/null 2>&1
    containers rmi -f "localhost/$project" >/dev/null 2>&1
  }
  rm -rf "$work"
}
trap clean_up EXIT

ensure_packages dpkg-dev fakeroot lintian binutils && choose_engine || exit 1
[[ -x $build/bin/keepsake && -x $build/bin/demo-backend ]] || {
  echo "error: there is no release build in $build" >&2
  exit 2
}

good=0 bad=0
say() { # STATUS SENTENCE
  if (($1 == 0)); then
    echo "ok      $2"
    good=$((good + 1))
  else
    echo "FAILED  $2"
    bad=$((bad + 1))
  fi
}

add_up() { # FILE with a last line of counts
  local passed=0 failed=1
  read -r passed failed < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$1")
  good=$((good + ${passed:-0})) bad=$((bad + ${failed:-1}))
}

# The package, and the same one with a lower version: what an upgrade starts from.
(cd "$build" && cpack -B "$work") >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; exit 1; }
mv "$work"/keepsake_*.deb "$work/new.deb"
dpkg-deb -R "$work/new.deb" "$work/tree"
sed -i "s/^Version: .*/Version: 0.0.9/" "$work/tree/DEBIAN/control"
fakeroot dpkg-deb -b "$work/tree" "$work/old.deb" >/dev/null
strip -o "$work/demo-backend" "$build/bin/demo-backend"
cp tests/containers/{checks,package_story,package_service}.sh "$work"

echo "==> the package"
dpkg-deb -I "$work/new.deb" | sed -nE 's/^ (Package|Version|Architecture|Depends|Installed-Size): /        &/p'
lintian --allow-root --display-info --pedantic --fail-on error,warning "$work/new.deb" | sed 's/^/        /'
say "${PIPESTATUS[0]}" "lintian has no error and no warning"
! dpkg-deb -c "$work/new.deb" | grep lintian
say $? "and nothing tells it to look away"

echo "==> in a container"
containers run --name "$project" --network host -v "$work:/work:ro" "$base_image" bash /work/package_story.sh | tee "$work/said"
add_up "$work/said"

# docker wants other privileges for this, and a choice of cgroups.
if [[ $engine == podman ]]; then
  echo "==> with systemd"
  build_file tests/containers/Dockerfile.systemd "localhost/$project" tests/containers >"$work/build.log" 2>&1 || cat "$work/build.log"
  containers run -d --name "$project-systemd" --privileged --systemd=always -v "$work:/work:ro" "localhost/$project" >/dev/null
  containers exec "$project-systemd" timeout 60 bash -c 'until systemctl is-system-running --wait; do sleep 0.2; done' >/dev/null 2>&1
  containers exec "$project-systemd" bash /work/package_service.sh | tee "$work/said"
  add_up "$work/said"
fi
echo "$good passed, $bad failed"
((bad == 0 && good > 0))
