#!/usr/bin/env bash
# Builds the images and runs the story through compose's published port: a name is set, seen, private, reset; the
# backend restarts and nothing is forgotten; so with https, and with three replicas of which some die under load;
# then what people get wrong. The last line counts the checks.
#   deploy/test-containers.sh                  compiles inside of the build: minutes
#   deploy/test-containers.sh --prebuilt DIR   packs DIR/keepsake and DIR/demo-backend, built on Debian 12
#   deploy/test-containers.sh --keep           leaves the images, as keepsake and demo-backend
# Needs docker with compose; without them Debian's podman and buildah, and root. Layers stay cached.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 2
# shellcheck source=deploy/dependencies.sh
source deploy/dependencies.sh
# shellcheck source=tests/containers/checks.sh
source tests/containers/checks.sh
# shellcheck source=tests/containers/engine.sh
source tests/containers/engine.sh
# shellcheck source=tests/containers/scale.sh
source tests/containers/scale.sh
# shellcheck source=tests/containers/tls.sh
source tests/containers/tls.sh
# shellcheck source=tests/containers/mistakes.sh
source tests/containers/mistakes.sh

usage() { sed -n '2,8s/^# \{0,1\}//p' "$root/deploy/test-containers.sh"; }

prebuilt='' keep=''
while (($#)); do
  case $1 in
    --prebuilt)
      [[ -x ${2-}/keepsake && -x ${2-}/demo-backend ]] || {
        echo "error: --prebuilt needs a folder with keepsake and demo-backend" >&2
        exit 2
      }
      prebuilt=$2
      shift
      ;;
    --keep) keep=yes ;;
    -h | --help)
      usage
      exit
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

base_image=docker.io/library/debian:bookworm-slim
project=keepsaketest$$
keepsake_tag=localhost/$project-keepsake
backend_tag=localhost/$project-backend
stand_in_tag=localhost/$project-stand-in
biggest=$((25 * 1000 * 1000))
work=$(mktemp -d)
engine=''

clean_up() {
  [[ -z $engine ]] || remove_everything "$keepsake_tag" "$backend_tag" "$stand_in_tag"
  rm -rf "$work" "$root/build/image"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A visitor is a cookie jar.
visit() { # VISITOR CURL-ARGUMENTS...
  curl -sS --max-time 20 -b "$work/$1.jar" -c "$work/$1.jar" "${@:2}"
}

page_of() { visit "$1" "$url/"; }

answers() { curl -fsS --max-time 5 -o "$work/page" "$url/" 2>/dev/null; }

status_of() { curl -sS --max-time 20 -o "$work/page" -w '%{http_code}' "$@"; }

up() { # FILES...
  (cd "$work" && compose "$@" up -d --no-build) >"$work/up.log" 2>&1
}

proc() { # SERVICE FILE: of the first process in the service's container, as the kernel sees it
  cat "/proc/$(inspect "$(container_of "$1")" '{{.State.Pid}}')/$2"
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

step() { echo "==> $*"; }

# --- files ---------------------------------------------------------------------------------------------
ensure_packages curl/curl openssl/openssl python3/python3 python3-yaml || exit 1
step "the files hold together"
/usr/bin/python3 tests/containers/manifests.py >"$work/files"
grep -v '^ok ' "$work/files"
read -r passed failed < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$work/files") || failed=1

# What kubectl makes of each folder: the configuration under a name that changes with it.
ensure_packages kubectl/kubernetes-client || exit 1
for place in sidecar gateway; do
  check "kubectl builds kubernetes/$place" kubectl kustomize "deploy/kubernetes/$place" -o "$work/$place.yaml"
  check "it has all objects" is "$(grep -c '^kind:' "$work/$place.yaml")" \
    $(($(cat deploy/kubernetes/$place/*.yaml | grep -c '^kind:'))) # one for the ConfigMap, none for the Kustomization
  map=$(sed -nE 's/^  name: (keepsake-[a-z0-9]{10})$/\1/p' "$work/$place.yaml")
  check "its pods mount the configuration by that name" grep -q "^ *name: ${map:?}\$" <(grep -A 1 'configMap:' "$work/$place.yaml")
done

# --- images -------------------------------------------------------------------------------------------
choose_engine || exit 1
step "building the images with $engine"
arguments=("REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
rm -rf build/image
if [[ -n $prebuilt ]]; then
  mkdir -p build/image
  cp "$prebuilt/keepsake" "$prebuilt/demo-backend" build/image/
  arguments+=(PREBUILT=1)
fi
build() { build_image "$1" "$2" "${arguments[@]}" >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log"; return 1; }; }
check "the image keepsake builds" build keepsake "$keepsake_tag" || finish
check "the image demo-backend builds" build demo-backend "$backend_tag" || finish
if [[ -n $keep ]]; then
  containers tag "$keepsake_tag" keepsake
  containers tag "$backend_tag" demo-backend
fi

packed=$(image_bytes "$keepsake_tag")
megabytes() { awk -v bytes="$1" 'BEGIN {printf "%.1f MB", bytes / 1e6}'; }
echo "        keepsake: $(megabytes "$packed") compressed, demo-backend: $(megabytes "$(image_bytes "$backend_tag")"); there is no base below them"
check "the image has at most 25 MB compressed" test "$packed" -le "$biggest"
image_says() { inspect "$keepsake_tag" "$1"; }
check "the image names a user that is not root" is "$(image_says '{{.Config.User}}')" 65532:65532
label() { image_says "{{index .Config.Labels \"org.opencontainers.image.$1\"}}"; }
check "the image is labelled with its name" is "$(label title)" keepsake
check "what it is" has "$(label description)" "reverse proxy"
check "its licence" is "$(label licenses)" Apache-2.0
check "its version" is "$(label version)" "$(containers run --rm "$keepsake_tag" --version | awk '{print $NF}')"
check "and its commit" is "$(label revision)" "$(git rev-parse HEAD 2>/dev/null || echo unknown)"
check "the image has a health check" has "$(containers inspect "$keepsake_tag")" /readyz
id=$(containers create "$keepsake_tag")
containers export -o "$work/image.tar" "$id"
containers rm "$id" >/dev/null
tar -tf "$work/image.tar" >"$work/files"
check "the image has the program" grep -q '^usr/bin/keepsake$' "$work/files"
check "the image has certificate authorities" grep -q '^etc/ssl/certs/ca-certificates.crt$' "$work/files"
no_shell() { ! grep -E '(^|/)(sh|bash|dash|busybox|apt|dpkg)$' "$work/files"; }
check "the image has no shell and no package manager" no_shell

# --- without a secret -----------------------------------------------------------------------------------
secret=$(containers run --rm "$keepsake_tag" keygen)
check "keygen makes a secret in the image" test "${#secret}" -ge 43
said=$(containers run --rm "$keepsake_tag" 2>&1)
status=$?
check "the image without a secret ends with status 2" is "$status" 2
check "and says which command makes one" has "$said" "keepsake keygen"
cp deploy/compose.yaml deploy/compose.secret-file.yaml "$work"
export KEEPSAKE_IMAGE=$keepsake_tag DEMO_BACKEND_IMAGE=$backend_tag KEEPSAKE_PORT
KEEPSAKE_PORT=$(free_port)
url=http://127.0.0.1:$KEEPSAKE_PORT
unset SESSION_KEY SESSION_STORE KEEPSAKE_TLS_PORT
no_secret() { ! up -f compose.yaml; }
check "compose without a secret does not start" no_secret
check "and says which command makes one" has "$(<"$work/up.log")" "openssl rand -base64 32"
(printf SESSION_KEY= && echo "$secret") >"$work/.env"

# --- the story ------------------------------------------------------------------------------------------
step "the story, through $url"
check "compose starts both" up -f compose.yaml || { cat "$work/up.log"; finish; }
if ! check "the page comes through the published port" within 30 answers; then
  for service in keepsake demo-backend; do
    echo "--- $service"
    containers logs "$(container_of "$service")" 2>&1 | tail -n 20
  done
  finish
fi
check "keepsake is healthy" within 90 healthy keepsake
check "demo-backend is healthy" within 90 healthy demo-backend

name="Zoë <b>"
set_name() { visit anna -o "$work/page" -w '%{http_code}' --data-urlencode "name=$1" "$url/setName"; }
check "the first page has the form" has "$(page_of anna)" 'action="setName"'
check "a name can be set" is "$(set_name "$name")" 303
check "it is seen as text" has "$(page_of anna)" 'Zoë &lt;b&gt;'
check "and again" has "$(page_of anna)" 'Zoë &lt;b&gt;'
check "another visitor sees none" has_not "$(page_of berta)" 'Zoë'
check "the port that is published is told from those that are not" has \
  "$(inspect "$(container_of keepsake)" '{{json .HostConfig.PortBindings}}{{json .NetworkSettings.Ports}}')" HostPort
forged=$(curl -sS --max-time 20 -H 'X-Session-Name: Mallory' "$url/headers")
check "a forged session header does not arrive" has_not "$forged" Mallory

cookie=$(awk '$6 == "session" {print $7}' "$work/anna.jar")
check "the cookie is HttpOnly" grep -q '^#HttpOnly_' "$work/anna.jar"

containers restart -t 5 "$(container_of demo-backend)" >/dev/null
check "demo-backend, restarted, answers again" within 30 answers
check "and nothing is forgotten" has "$(page_of anna)" 'Zoë &lt;b&gt;'
containers restart -t 5 "$(container_of keepsake)" >/dev/null
check "keepsake, restarted, answers again" within 30 answers
check "and nothing is forgotten" has "$(page_of anna)" 'Zoë &lt;b&gt;'
containers stop -t 5 "$(container_of demo-backend)" >/dev/null
gateway_error() { [[ $(status_of "$url/") =~ ^50[24]$ ]]; } # refused, or an address that is no more
check "without its backend keepsake says so" gateway_error
check "and stays up" within 90 healthy keepsake
containers start "$(container_of demo-backend)" >/dev/null
check "and recovers by itself" within 30 answers
check "with everybody's name" has "$(page_of anna)" 'Zoë &lt;b&gt;'

# --- the walls -------------------------------------------------------------------------------------------
step "what the containers may do"
for service in keepsake demo-backend; do
  proc "$service" status >"$work/status"
  check "$service does not run as root" is "$(awk '$1 == "Uid:" {print $2}' "$work/status")" 65532
  check "$service has no capabilities" is "$(awk '$1 == "CapEff:" || $1 == "CapBnd:" {print $2}' "$work/status" | sort -u)" 0000000000000000
  check "$service gains no privileges" is "$(awk '$1 == "NoNewPrivs:" {print $2}' "$work/status")" 1
  check "$service has a read-only root" is "$(inspect "$(container_of "$service")" '{{.HostConfig.ReadonlyRootfs}}')" true
  if ((EUID == 0)); then
    check "$service: the kernel agrees" is "$(proc "$service" mountinfo | awk '$5 == "/" {print substr($6, 1, 2)}')" ro
  fi
done
check "demo-backend publishes no port" has_not \
  "$(inspect "$(container_of demo-backend)" '{{json .HostConfig.PortBindings}}{{json .NetworkSettings.Ports}}')" HostPort
inside=$(containers network ls --format '{{.Name}}' | grep "^${project}_inside$")
check "its network leads nowhere" grep -qiE '"internal": *true' <(containers network inspect "$inside")

# --- the end of a visit, the end of the service ---------------------------------------------------------
check "reset is a redirect" is "$(visit anna -o "$work/page" -w '%{http_code}' "$url/reset")" 303
check "after it the name is gone" has_not "$(page_of anna)" 'Zoë'
check "a name can be set again" is "$(set_name Anna)" 303

curl -sSN --max-time 30 -o "$work/stream" "$url/stream?count=15&ms=200" &
stream=$!
check "a stream begins" within 10 test -s "$work/stream"
began=$SECONDS
containers stop -t 40 "$(container_of keepsake)" >/dev/null
took=$((SECONDS - began))
wait "$stream"
check "what is under way at a stop is finished" is "$(wc -l <"$work/stream")" 15
check "and then it stops at once" test "$took" -lt 15
check "with status 0" is "$(inspect "$(container_of keepsake)" '{{.State.ExitCode}}')" 0

logs() { for service in keepsake demo-backend; do containers logs "$(container_of "$service")" 2>&1; done; }
all=$(logs)
check "the log has a line for each request" has "$all" /setName
check "no log has the secret" has_not "$all" "$secret"
check "no log has a cookie" has_not "$all" "$cookie"
check "no log has a name" has_not "$all" "Zo"

# --- a secret from a file -----------------------------------------------------------------------------------
step "a secret from a file"
(cd "$work" && compose -f compose.yaml down) >/dev/null 2>&1
echo "$secret" >"$work/session_key"
echo SESSION_KEY= >"$work/.env"
files=(-f compose.yaml -f compose.secret-file.yaml)
check "compose starts both with it" up "${files[@]}" || cat "$work/up.log"
check "the page comes" within 30 answers
check "the same secret opens the same sessions" has "$(page_of anna)" 'Anna'
check "the secret is not in the container's environment" has_not \
  "$(inspect "$(container_of keepsake)" '{{json .Config.Env}}')" "$secret"
(cd "$work" && compose "${files[@]}" down) >/dev/null 2>&1
said=$(containers run --rm "$keepsake_tag" run --config /etc/keepsake/secret-file.yaml 2>&1)
status=$?
check "a missing file ends with status 2" is "$status" 2
check "and is named" has "$said" /run/secrets/session_key
for place in sidecar gateway; do
  check "keepsake takes the configuration of kubernetes/$place" containers run --rm \
    -v "$root/deploy/kubernetes/$place/keepsake.yaml:/etc/keepsake/keepsake.yaml:ro" \
    -v "$work/session_key:/run/secrets/keepsake/session_key:ro" "$keepsake_tag" check
done

tls_story
scale_story
mistakes_story
finish
