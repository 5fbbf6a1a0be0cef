# shellcheck shell=bash
# What people get wrong with containers, sourced by deploy/test-containers.sh: each mistake ends with a status and a
# sentence that names it.

# What the image says, and with which status it ends, given that it ends at once.
refused() { # STATUS PART CONTAINER-ARGUMENTS...
  local status=$1 part=$2 said got
  shift 2
  said=$(timeout 60 "$engine" run --rm --label "$project_label=$project" "$@" 2>&1)
  got=$?
  is "$got" "$status" && has "$said" "$part"
}

key_id() { # CONTAINER-ARGUMENTS...
  containers run --rm "$@" 2>/dev/null | sed -nE 's/.*; key ([0-9a-f]{8}) .*/\1/p'
}

mistakes_story() {
  local secret_file=(run --config /etc/keepsake/secret-file.yaml) key id ending port
  step "the ways of a secret"
  key=$work/key
  id=$(key_id -e "SESSION_KEY=$secret" "$keepsake_tag" check)
  check "a secret has an id" test "${#id}" -eq 8
  for ending in '' '\n' '\r\n'; do
    printf "%s$ending" "$secret" >"$key"
    check "from a file that ends with '$ending' it is the same secret" is \
      "$(key_id -v "$key:/run/secrets/session_key:ro" "$keepsake_tag" check --config /etc/keepsake/secret-file.yaml)" "$id"
  done
  if [[ $engine == podman ]]; then # docker has secrets of its own only in a swarm
    containers secret create "$project" "$key" >/dev/null
    check "as a secret of the engine too" is \
      "$(key_id --secret "$project,target=session_key" "$keepsake_tag" check --config /etc/keepsake/secret-file.yaml)" "$id"
    containers secret rm "$project" >/dev/null
  fi
  check "any user may run it" is "$(key_id --user 12345:0 -e "SESSION_KEY=$secret" "$keepsake_tag" check)" "$id"

  step "mistakes"
  check "an empty secret is refused" refused 2 "keepsake keygen" -e SESSION_KEY= "$keepsake_tag"
  check "a short secret too" refused 2 "expected 32 or more" -e SESSION_KEY=secret "$keepsake_tag"
  chmod 0600 "$key"
  check "a secret file that the image's user may not read is told from one that is not there" refused 2 \
    "Permission denied for user 65532" -v "$key:/run/secrets/session_key:ro" "$keepsake_tag" "${secret_file[@]}"
  chmod 0644 "$key"
  chmod 0600 "$work/tls/tls.key"
  check "so is the key of a certificate" refused 2 "/tls/tls.key cannot be read: Permission denied for user 65532" \
    -e "SESSION_KEY=$secret" -e TLS_DIR=/tls -v "$work/tls:/tls:ro" "$keepsake_tag" run --config /tls/keepsake.yaml
  mkdir -p "$work/empty" # what docker makes where the file of a mount is missing
  check "a folder in place of the secret is named" refused 2 "/run/secrets/session_key" \
    -v "$work/empty:/run/secrets/session_key:ro" "$keepsake_tag" "${secret_file[@]}"
  check "a folder in place of the configuration too" refused 2 "/conf/keepsake.yaml: cannot be read: Is a directory" \
    -e "SESSION_KEY=$secret" -v "$work/empty:/conf/keepsake.yaml:ro" "$keepsake_tag" run --config /conf/keepsake.yaml
  check "a mount that hides the configuration is seen" refused 2 "neither ./keepsake.yaml nor /etc/keepsake/keepsake.yaml" \
    -e "SESSION_KEY=$secret" -v "$work/empty:/etc/keepsake:ro" "$keepsake_tag"
  check "an address where host:port belongs is named" refused 2 "backends.app.servers[0]" \
    -e "SESSION_KEY=$secret" -e BACKEND=http://app:3000 "$keepsake_tag"
  check "a wrong command shows what there is" refused 2 "keepsake --help" "$keepsake_tag" start

  port=$(free_port)
  sed "s|0\.0\.0\.0:8080|127.0.0.1:$port|" deploy/container.yaml >"$work/port.yaml"
  python3 -c 'import socket, sys, time
s = socket.create_server(("0.0.0.0", int(sys.argv[1]))); print(flush=True); time.sleep(600)' "$port" >"$work/taken" &
  local holder=$!
  check "somebody takes a port" within 20 test -s "$work/taken"
  check "a port that is taken on the host's network is named" refused 1 "cannot listen on 127.0.0.1:$port" \
    --network host -e "SESSION_KEY=$secret" -v "$work/port.yaml:/etc/keepsake/keepsake.yaml:ro" "$keepsake_tag"
  printf 'SESSION_KEY=%s\n' "$secret" >"$work/.env"
  check "a port that is taken is named by compose" not_published "$port"
  kill "$holder"
  wait "$holder" 2>/dev/null

  late_backend
}

not_published() { # PORT
  KEEPSAKE_PORT=$1 up -f compose.yaml
  (cd "$work" && compose -f compose.yaml down) >/dev/null 2>&1
  grep -E "$1.*(in use|already allocated)|(in use|already allocated).*$1" "$work/up.log" || {
    cat "$work/up.log"
    return 1
  }
}

# A service whose name leads nowhere for a while.
late_backend() {
  local late=$project-late port id began
  port=$(free_port)
  containers network create "${project}_late" >/dev/null
  id=$(containers run -d --label "$project_label=$project" --label "$service_label=waiting" --network "${project}_late" \
    -p "127.0.0.1:$port:8080" -e "SESSION_KEY=$secret" -e "BACKEND=$late:8081" "$keepsake_tag")
  no_backend() { [[ $(status_of "http://127.0.0.1:$port/" 2>/dev/null) =~ ^50[23]$ ]]; }
  check "a backend without an address is said to be away" within 30 no_backend
  began=$SECONDS
  check "each time" no_backend
  check "soon" test $((SECONDS - began)) -lt 10
  check "the log names it" has "$(containers logs "$id" 2>&1)" "$late"
  check "keepsake is healthy all the same" within 90 healthy waiting
  check "what needs no backend works" is "$(status_of -d name=Anna "http://127.0.0.1:$port/setName")" 303
  containers run -d --name "$late" --label "$project_label=$project" --network "${project}_late" "$backend_tag" >/dev/null
  arrived() { [[ $(status_of "http://127.0.0.1:$port/" 2>/dev/null) == 200 ]]; }
  check "it is found when it comes" within 60 arrived
  containers rm -f "$id" "$late" >/dev/null
}
