# shellcheck shell=bash
# A container engine for deploy/test-containers.sh, which sources this: docker where its daemon answers,
# else buildah, podman and podman-compose from Debian. Callers use the functions at the end only.
#
# Where no registry can be reached the base image is made of Debian's own packages.

# Both compose programs mark their containers with these.
project_label=com.docker.compose.project
service_label=com.docker.compose.service

choose_engine() {
  if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
    engine=docker
    return
  fi
  engine=podman
  if ((EUID != 0)); then
    echo "error: without docker this needs podman as root; run it with sudo" >&2
    return 1
  fi
  ensure_packages buildah podman podman-compose runc debootstrap netavark aardvark-dns iptables || return
  podman_settings
  podman image exists "$base_image" || timeout 60 podman pull -q "$base_image" >/dev/null 2>&1 || make_base_image
}

# runc, because crun refuses hybrid cgroups; no more descriptors than this machine itself has.
podman_settings() {
  local files
  files=$(ulimit -Hn)
  cat >"$work/containers.conf" <<CONF
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=4096:4096"]
CONF
  export CONTAINERS_CONF=$work/containers.conf
}

# The mirror is the one that this machine itself installs from.
make_base_image() {
  local mirror tree=$work/base status=0
  mirror=$(sed -n 's/^URIs:[[:space:]]*//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  [[ -n $mirror ]] || mirror=$(awk '$1 == "deb" {for (i = 2; i <= NF; ++i) if ($i ~ /^https?:/) {print $i; exit}}' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null)
  echo "==> making $base_image of Debian's packages"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$tree" "$mirror" >"$work/base.log" 2>&1 &&
    tar -C "$tree" -c . | podman import -q - "$base_image" >/dev/null || status=$?
  ((status == 0)) || tail -n 20 "$work/base.log" >&2
  rm -rf "$tree"
  return "$status"
}

# The engine itself. podman would complain of missing systemd timers with every health check, and its name server of a
# missing syslog.
containers() {
  if [[ $engine == docker ]]; then
    docker "$@"
  else
    podman "$@" 2> >(grep -v 'systemd connection\|connect to syslog' >&2)
  fi
}

build_image() { # TARGET TAG BUILD-ARGUMENT...
  local target=$1 tag=$2 arguments=() pair
  shift 2
  for pair in "$@"; do
    arguments+=(--build-arg "$pair")
  done
  if [[ $engine == docker ]]; then
    docker build -q -f deploy/Dockerfile --target "$target" -t "$tag" "${arguments[@]}" .
  else
    # The docker format keeps HEALTHCHECK; chroot needs no privileges that a container lacks. Layers of labels are
    # cached whatever their arguments were: the commit would be that of an older build.
    buildah bud --format docker --layers --pull-never --isolation chroot \
      --label "org.opencontainers.image.revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
      -f deploy/Dockerfile --target "$target" -t "$tag" "${arguments[@]}" .
  fi
}

build_file() { # DOCKERFILE TAG CONTEXT
  if [[ $engine == docker ]]; then
    docker build -q -f "$1" -t "$2" "$3"
  else
    buildah bud --format docker --layers --pull-never --isolation chroot -f "$1" -t "$2" "$3"
  fi
}

compose() { # FILES-AND-COMMAND...
  if [[ $engine == docker ]]; then
    docker compose -p "$project" "$@"
  else
    podman-compose -p "$project" "$@"
  fi
}

container_of() { # SERVICE
  containers ps -aq --filter "label=$project_label=$project" --filter "label=$service_label=$1" | head -n 1
}

# One health check, run now: podman times them by systemd, which a test machine may not have.
healthy() { # SERVICE
  local id
  id=$(container_of "$1")
  if [[ $engine == docker ]]; then
    [[ $(docker inspect -f '{{.State.Health.Status}}' "$id") == healthy ]]
  else
    containers healthcheck run "$id"
  fi
}

inspect() { # CONTAINER-OR-IMAGE FORMAT
  containers inspect -f "$2" "$1"
}

image_bytes() { # TAG: packed, as a registry keeps it
  containers save -o "$work/image.tar" "$1" >"$work/save.log" 2>&1 || cat "$work/save.log" >&2
  gzip -c "$work/image.tar" | wc -c
  rm -f "$work/image.tar"
}

remove_everything() { # TAG...
  local id network volume
  for id in $(containers ps -aq --filter "label=$project_label=$project"); do
    containers rm -f "$id" >/dev/null 2>&1
  done
  for network in $(containers network ls -q --filter "name=^${project}_"); do
    containers network rm "$network" >/dev/null 2>&1
  done
  for volume in $(containers volume ls -q --filter "name=^${project}_"); do
    containers volume rm -f "$volume" >/dev/null 2>&1
  done
  if [[ $engine == podman ]]; then
    containers secret rm "$project" >/dev/null 2>&1
  fi
  containers rmi -f "$@" >/dev/null 2>&1
  return 0
}
