#!/usr/bin/env bash
# Builds what is released from a clean checkout, into a folder, the same bytes for the same commit:
#   keepsake_VERSION_SUITE_ARCH.deb, keepsake-dbgsym_VERSION_SUITE_ARCH.deb     for the Debian that this is
#   keepsake-VERSION-ARCH-image.tar                          docker load, podman load
#   keepsake-VERSION-image.tar                               the images of all architectures that the folder has, with an index
#   keepsake-VERSION-linux-ARCH.tar.gz                       runs on any glibc from 2.36 on (only if built on Debian 12)
#   keepsake-VERSION-ARCH.spdx.json, SHA256SUMS, and SHA256SUMS.sig or SHA256SUMS.minisig
#
# usage: deploy/release.sh [--build FOLDER] [--as-built] [--sign KEY] [--jobs N] [--check] OUT
#   --build FOLDER   where to compile (default build/dist); what is there already is not compiled again
#   --as-built       packs what is in that folder and compiles nothing
#   --sign KEY       a private key in PEM: SHA256SUMS.sig is what `cosign verify-blob` and openssl verify; or a secret key of minisign
#   --check          build everything a second time from another folder and compare
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/dependencies.sh
source "$root/deploy/dependencies.sh"
glibc=2.36

usage() { sed -n '2,14s/^# \{0,1\}//p' "$root/deploy/release.sh"; }
stop() { echo "error: $*" >&2; exit 1; }

build='' key='' jobs=$(nproc) check=no as_built=no out=''
while (($#)); do
  case $1 in
    --build) build=$2; shift ;;
    --sign) key=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --check) check=yes ;;
    --as-built) as_built=yes ;;
    -h | --help) usage; exit ;;
    -*) usage >&2; exit 2 ;;
    *) out=$1 ;;
  esac
  shift
done
[[ -n $out ]] || { usage >&2; exit 2; }
[[ -z $key || -r $key ]] || stop "the key $key cannot be read"
mkdir -p "$out"
out=$(realpath "$out")
build=$(realpath -m "${build:-$root/build/dist}")

# The commit decides about every date in what is made.
revision=$(git -C "$root" rev-parse HEAD)
[[ -z $(git -C "$root" status --porcelain --untracked-files=no) ]] || stop "there are changes without a commit"
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
umask 022
version=$(sed -n 's/^project(keepsake VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
architecture=$(dpkg --print-architecture)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
package=${version}_${suite}_$architecture

ensure_build_packages
ensure_packages git/git python3/python3 binutils dpkg-dev patchelf ca-certificates openssl/openssl

# No path of this machine gets into the program or its symbols.
compile() { # SOURCES BUILD
  (cd "$1" && cmake --preset release -B "$2" -DKEEPSAKE_TESTS=OFF \
    -DCMAKE_CXX_FLAGS_NONE="-ffile-prefix-map=$1=/usr/src/keepsake -ffile-prefix-map=$2=/usr/src/keepsake/build" \
    -DCMAKE_C_FLAGS_NONE="-ffile-prefix-map=$1=/usr/src/keepsake -ffile-prefix-map=$2=/usr/src/keepsake/build") >/dev/null
  cmake --build "$2" --target keepsake demo-backend -j "$jobs"
}

# The symbols as a package of their own, found by the program's build id.
pack_symbols() { # PROGRAM OUT
  local tree id
  tree=$(mktemp -d)
  id=$(readelf -n "$1" | sed -n 's/.*Build ID: //p')
  mkdir -p "$tree/DEBIAN" "$tree/usr/lib/debug/.build-id/${id:0:2}"
  objcopy --only-keep-debug "$1" "$tree/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"
  chmod 644 "$tree/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"
  cat >"$tree/DEBIAN/control" <<CONTROL
Package: keepsake-dbgsym
Version: $version
Architecture: $architecture
Maintainer: $(dpkg-deb -f "$2/keepsake_$package.deb" Maintainer)
Depends: keepsake (= $version)
Section: debug
Priority: optional
Build-Ids: $id
Description: debug symbols for keepsake
CONTROL
  dpkg-deb --root-owner-group -Zxz -z1 -b "$tree" "$2/keepsake-dbgsym_$package.deb" >/dev/null
  rm -rf "$tree"
}

# dpkg-deb sorts the files and gives none a time after the commit.
pack_program() { # BUILD OUT
  local work
  work=$(mktemp -d)
  (cd "$1" && cpack -B "$work/made") >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
  dpkg-deb -R "$work"/made/keepsake_*.deb "$work/tree"
  find "$work/tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz -b "$work/tree" "$2/keepsake_$package.deb" >/dev/null
  rm -rf "$work"
}

pack() { # SOURCES BUILD OUT
  local program
  program=$(mktemp)
  strip --strip-all --remove-section=.comment -o "$program" "$2/bin/keepsake"
  pack_program "$2" "$3"
  pack_symbols "$2/bin/keepsake" "$3"
  python3 -B "$1/deploy/release/image.py" one "$program" / "$1" "$version" "$revision" "$SOURCE_DATE_EPOCH" \
    "$3/keepsake-$version-$architecture-image.tar"
  python3 -B "$1/deploy/release/sbom.py" "$program" / "$version" "$revision" "$SOURCE_DATE_EPOCH" \
    "$3/keepsake-$version-$architecture.spdx.json"
  if ! python3 -B "$1/deploy/release/tarball.py" "$program" / "$1" "$version" "$SOURCE_DATE_EPOCH" $glibc \
    "$3/keepsake-$version-linux-$architecture.tar.gz"; then
    echo "note: no tarball from $suite" >&2
  fi
  rm -f "$program"
}

[[ $as_built == yes ]] || compile "$root" "$build"
pack "$root" "$build" "$out"

if [[ $check == yes ]]; then
  second=$(mktemp -d)
  trap 'rm -rf "$second"' EXIT
  mkdir "$second/sources" "$second/out"
  git -C "$root" archive HEAD | tar -x -C "$second/sources"
  CCACHE_DISABLE=1 compile "$second/sources" "$second/build"
  pack "$second/sources" "$second/build" "$second/out"
  for file in "$second"/out/*; do
    cmp "$file" "$out/$(basename "$file")" || stop "$(basename "$file") is not the same the second time"
  done
  echo "the same bytes from another folder: $(find "$second/out" -type f | wc -l) files"
fi

cd "$out"
shopt -s nullglob
images=("keepsake-$version"-*-image.tar)
python3 -B "$root/deploy/release/image.py" index "keepsake-$version-image.tar" "${images[@]}"
sums=(*.deb *.tar *.tar.gz *.spdx.json)
sha256sum "${sums[@]}" >SHA256SUMS
rm -f SHA256SUMS.sig SHA256SUMS.minisig
if [[ -n $key ]] && grep -q '^untrusted comment' "$key"; then
  ensure_packages minisign/minisign
  minisign -S -s "$key" -m SHA256SUMS
elif [[ -n $key ]]; then
  openssl dgst -sha256 -sign "$key" SHA256SUMS | base64 -w 0 >SHA256SUMS.sig
fi
cat SHA256SUMS
