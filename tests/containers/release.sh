#!/usr/bin/env bash
# What deploy/release.sh makes of a release build: packed twice the same, loaded and run without a compiler, its sums signed. Needs
# root for podman. The last line counts the checks.
#   tests/containers/release.sh [BUILD]        default build/release
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 2
# shellcheck source=deploy/dependencies.sh
source deploy/dependencies.sh
# shellcheck source=tests/containers/engine.sh
source tests/containers/engine.sh
ensure_packages podman runc openssl/openssl curl/curl binutils || exit 1

build=$(realpath "${1-build/release}")
work=$(mktemp -d)
running=''
# shellcheck disable=SC2317
clean_up() {
  [[ -z $running ]] || kill "$running" 2>/dev/null
  podman rm -f keepsake-release-$$ >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT

podman_settings
good=0 bad=0
check() { # SENTENCE COMMAND...
  if "${@:2}" >"$work/log" 2>&1; then
    echo "ok      $1"
    good=$((good + 1))
  else
    echo "FAILED  $1"
    tail -n 20 "$work/log"
    bad=$((bad + 1))
  fi
}

# The address that a demo prints alone on a line, as soon as it does.
answers() { # LOG
  local url='' _
  for _ in {1..300}; do
    url=$(sed -nE 's|^(http://127\.0\.0\.1:[0-9]+/)$|\1|p' "$1" 2>/dev/null)
    [[ -n $url ]] && curl -fsS "$url" | grep -q '<form' && return
    sleep 0.1
  done
  cat "$1"
  return 1
}

openssl ecparam -genkey -name prime256v1 -noout -out "$work/key.pem"
openssl ec -in "$work/key.pem" -pubout -out "$work/key.pub" 2>/dev/null
first=$work/first second=$work/second
check "a release is packed" deploy/release.sh --build "$build" --as-built --sign "$work/key.pem" "$first"
check "and again" deploy/release.sh --build "$build" --as-built --sign "$work/key.pem" "$second"
check "both are the same bytes" cmp "$first/SHA256SUMS" "$second/SHA256SUMS"

verified() {
  (cd "$first" && sha256sum -c SHA256SUMS) && base64 -d "$first/SHA256SUMS.sig" >"$work/signature" &&
    openssl dgst -sha256 -verify "$work/key.pub" -signature "$work/signature" "$first/SHA256SUMS"
}
check "its sums are right and signed" verified

without_path() { ! grep -aq "$root" "$1"; }
mkdir "$work/deb" "$work/symbols" "$work/tar"
dpkg-deb -x "$first"/keepsake_*.deb "$work/deb"
dpkg-deb -x "$first"/keepsake-dbgsym_*.deb "$work/symbols"
id=$(readelf -n "$work/deb/usr/bin/keepsake" | sed -n 's/.*Build ID: //p')
check "the package holds no path of this machine" without_path "$work/deb/usr/bin/keepsake"
check "its symbols are those of the program" test -s "$work/symbols/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"

tar -xzf "$first"/keepsake-*-linux-*.tar.gz -C "$work/tar"
program=$(echo "$work"/tar/*/bin/keepsake)
own_libraries() { ! ldd "$program" | grep '=> /' | grep -vE "=> $work/|/lib(c|m)\.so\.6"; }
check "the tarball brings every library but glibc's" own_libraries
"$program" run --demo --listen 127.0.0.1:0 2>"$work/demo.log" &
running=$!
check "the tarball's demo answers" answers "$work/demo.log"
kill "$running"
wait "$running" 2>/dev/null
running=''

reference=localhost/keepsake-release-test:$$
loaded=$(podman load -q -i "$(echo "$first"/keepsake-*-amd64-image.tar)" 2>/dev/null | sed -n 's/^Loaded image: //p')
check "the image is loaded" podman tag "$loaded" "$reference"
podman run --rm --name keepsake-release-$$ --network host "$reference" run --demo --listen 127.0.0.1:0 2>"$work/image.log" >/dev/null &
check "docker run IMAGE run --demo answers" answers "$work/image.log"
podman stop -t 5 keepsake-release-$$ >/dev/null 2>&1
check "the image has no shell" bash -c "! podman run --rm --entrypoint /bin/sh $reference -c true"
podman rmi -f "$reference" >/dev/null 2>&1

described() { # each package of the SBOM has a version
  python3 - "$1" <<'PYTHON'
import json, sys
document = json.load(open(sys.argv[1]))
assert document["spdxVersion"] == "SPDX-2.3"
names = [package["name"] for package in document["packages"]]
assert names[0] == "keepsake" and "libssl3" in names or "libssl3t64" in names, names
assert all(package["versionInfo"] for package in document["packages"])
PYTHON
}
check "the SBOM names the libraries with their versions" described "$(echo "$first"/keepsake-*.spdx.json)"

echo "$good passed, $bad failed"
((bad == 0))
