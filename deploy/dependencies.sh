# shellcheck shell=bash
# What Keepsake needs from Debian 12 or 13, in one place: sourced by deploy/demo.sh, tests/run.sh and .ci/run.
# Only what is missing is installed; sudo is asked for only where the caller is not root.

# dpkg knows whether a package is there; a name with a slash, "command/package", is there as soon as the
# command is, whoever installed it (nodejs and npm come from elsewhere on many machines).
missing_packages() {
  local wish
  for wish in "$@"; do
    if [[ $wish == */* ]]; then
      command -v "${wish%%/*}" >/dev/null 2>&1 || echo "${wish#*/}"
    elif [[ $(dpkg-query -W -f='${db:Status-Status}' "$wish" 2>/dev/null) != installed ]]; then
      echo "$wish"
    fi
  done
}

ensure_packages() {
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if ! command -v apt-get >/dev/null; then
    echo "error: this is no Debian; install by hand: ${missing[*]}" >&2
    return 1
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "error: neither root nor sudo here; as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  echo "==> installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -q || return 1
  # Java's package links its manual pages, and fails on slim images, which have no folder for them.
  "${as_root[@]}" mkdir -p /usr/share/man/man1
  if ! without_services "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"; then
    echo "error: apt-get could not install them; see above" >&2
    return 1
  fi
}

# Packages that are services (redis-server, nginx, prometheus) are wanted for their programs: what is
# installed by the command is not started. `as_root` is the caller's.
without_services() { # COMMAND...
  local policy=/usr/sbin/policy-rc.d status
  if [[ -e $policy ]]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null &&
    "${as_root[@]}" chmod 755 "$policy" || return
  "$@"
  status=$?
  "${as_root[@]}" rm -f "$policy"
  return "$status"
}

# Boost from 1.81 on. Debian 12's packages without a version in their names are 1.74.
boost_packages() {
  local VERSION_CODENAME=
  # shellcheck disable=SC1091
  [[ ! -r /etc/os-release ]] || VERSION_CODENAME=$(source /etc/os-release && echo "${VERSION_CODENAME-}")
  if [[ $VERSION_CODENAME == bookworm ]]; then
    echo libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
  else
    echo libboost-dev libboost-json-dev libboost-url-dev
  fi
}

# For building the two programs.
ensure_build_packages() {
  local boost
  read -ra boost < <(boost_packages)
  ensure_packages g++ cmake ninja-build pkg-config \
    "${boost[@]}" libssl-dev libyaml-cpp-dev \
    libspdlog-dev libfmt-dev libcli11-dev libc-ares-dev libhiredis-dev libnghttp2-dev libsimde-dev liburing-dev zlib1g-dev
}

# For building and running the tests that tests/run.sh runs without --full.
ensure_test_packages() {
  ensure_packages catch2 ccache/ccache python3/python3 python3-yaml python3-jsonschema python3-flask \
    openssl/openssl curl/curl nghttp2-client python3-h2 python3-grpcio nginx caddy haproxy nghttp2-proxy apache2/apache2-bin git/git python3-django redis-server/redis-server varnish php/php-cli ruby/ruby chromium/chromium node/nodejs npm/npm \
    go/golang-go java/default-jre-headless \
    systemd-socket-activate/systemd \
    promtool/prometheus python3-prometheus-client \
    fonts-dejavu-core fonts-noto-color-emoji
}

# And for --full: the fuzzers' compiler, symbols for sanitizers, the instruction guard.
ensure_full_packages() {
  ensure_packages clang++/clang llvm-symbolizer/llvm libclang-rt-dev valgrind/valgrind \
    nginx gcc/gcc procps
}
