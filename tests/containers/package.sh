#!/usr/bin/env bash
# Makes the Debian package of a release build and installs, upgrades, removes and purges it in a container.
# The last line counts the checks.
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
trap '[[ -z $engine ]] || containers rm -f "$project" >/dev/null 2>&1; rm -rf "$work"' EXIT

ensure_packages dpkg-dev fakeroot lintian binutils && choose_engine || exit 1
[[ -x $build/bin/keepsake ]] || { echo "error: there is no release build in $build" >&2; exit 2; }

# The same package twice, the second time with a higher version: an upgrade.
(cd "$build" && cpack -B "$work") >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; exit 1; }
first=$(echo "$work"/keepsake_*.deb)
version=$(dpkg-deb -f "$first" Version)
dpkg-deb -R "$first" "$work/tree"
sed -i "s/^Version: .*/Version: $version+next/" "$work/tree/DEBIAN/control"
fakeroot dpkg-deb -b "$work/tree" "$work/next.deb" >/dev/null
mv "$first" "$work/first.deb"
cp tests/containers/package_story.sh "$work/story.sh"

echo "==> lintian"
lintian --fail-on error,warning "$work/first.deb"
lint=$?
echo "==> in a container"
containers run --name "$project" --network host -v "$work:/work:ro" "$base_image" bash /work/story.sh | tee "$work/said"
read -r good bad < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$work/said")
good=${good:-0} bad=${bad:-1}
if ((lint == 0)); then good=$((good + 1)); else bad=$((bad + 1)); fi
echo "$good passed, $bad failed"
((bad == 0))
