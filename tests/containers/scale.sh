# shellcheck shell=bash
# The story of compose.scale.yaml, sourced by deploy/test-containers.sh: three Keepsakes behind HAProxy, redis, two
# services; containers die under load, and no visitor loses a name.

visitors=(ada bert cleo)

# The public images where they can be had, else one of Debian's packages that stands in for them.
scale_images() {
  local image
  for image in docker.io/library/haproxy:lts docker.io/library/redis:7 docker.io/library/python:3-slim; do
    if [[ $engine != docker ]] || ! docker pull -q "$image"; then
      build_file tests/containers/Dockerfile.stand-in "$stand_in_tag" tests/containers || return 1
      export BALANCER_IMAGE=$stand_in_tag REDIS_IMAGE=$stand_in_tag PYTHON_IMAGE=$stand_in_tag
      return
    fi
  done
}

everybody_known() { # PATH
  local visitor
  for visitor in "${visitors[@]}"; do
    has "$(visit "$visitor" "$url$1")" "Name-of-$visitor" || return 1
  done
}

answers_at() { curl -fsS --max-time 5 -o /dev/null "$url$1" 2>/dev/null; }

answers_somehow() { [[ $(status_of "$url/") =~ ^(200|502|504)$ ]]; }

asks_to_wait() { [[ $(status_of -b "$work/ada.jar" "$url/") == 503 ]]; }

# Each replica is asked by itself: under load nobody knows whom the balancer asks.
everything_answers() {
  local number page
  for number in 1 2 3; do
    for page in 9090/readyz 8080/ 8080/foreign/; do
      containers exec "$(container_of "keepsake-$number")" /usr/bin/keepsake health "http://127.0.0.1:$page" || return 1
    done
  done
  answers_at / && answers_at /foreign/
}

take_names() {
  local visitor
  for visitor in "${visitors[@]}"; do
    visit "$visitor" -o /dev/null --data-urlencode "name=Name-of-$visitor" "$url/setName"
  done
}

start_scale() {
  check "compose starts all of it" up -f compose.scale.yaml || {
    cat "$work/up.log"
    return 1
  }
  check "the page comes through the balancer" within 60 answers || {
    local service
    for service in balancer redis keepsake-1 demo-backend; do
      echo "--- $service"
      containers logs "$(container_of "$service")" 2>&1 | tail -n 20
    done
    return 1
  }
  check "each replica has found both services" within 60 everything_answers
}

stop_scale() { (cd "$work" && compose -f compose.scale.yaml down -v) >/dev/null 2>&1; }

begin_load() {
  mkdir -p "$work/load"
  rm -f "$work/load"/*
  python3 tests/containers/load.py "$url" "$work/load" >"$work/load/said" &
  loader=$!
  check "visitors come and stay" within 60 test -e "$work/load/begun"
}

end_load() {
  local known=0 stranger=1 unanswered=0 forgotten=1
  touch "$work/load/enough"
  wait "$loader"
  read -r known stranger unanswered forgotten <"$work/load/said"
  echo "        under load: $known pages knew their visitor, $stranger took it for another, $unanswered requests not answered"
  check "no page took its visitor for another" test "$stranger" -eq 0
  check "pages came all the time" test "$known" -gt 100
  check "no visitor lost a name" test "$forgotten" -eq 0
}

die() { containers kill -s KILL "$(container_of "$1")" >/dev/null; } # SERVICE

come_back() { # SERVICE
  containers start "$(container_of "$1")" >/dev/null
  check "$1, killed and started, is back" within 90 everything_answers
}

# One that was given another secret by mistake, beside the three.
stray_replica() {
  local other id metrics
  other=$(containers run --rm "$keepsake_tag" keygen)
  stray=$project-stray stray_port=$(free_port) stray_admin=$(free_port)
  containers run -d --name "$stray" --label "$project_label=$project" --network "${project}_edge" \
    -p "127.0.0.1:$stray_port:8080" -p "127.0.0.1:$stray_admin:9090" \
    -e "SESSION_KEY=$other" -e "SESSION_STORE=cookie" -v "$work/scale/keepsake.yaml:/etc/keepsake/keepsake.yaml:ro" \
    "$keepsake_tag" >/dev/null
  containers network connect "${project}_inside" "$stray"
  cp "$work/ada.jar" "$work/astray.jar"
  stray_answers() { curl -fsS --max-time 5 -o /dev/null "http://127.0.0.1:$stray_port/" 2>/dev/null; }
  check "a replica with another secret serves" within 30 stray_answers
  check "but its visitors are strangers" has_not \
    "$(visit astray "http://127.0.0.1:$stray_port/")" "Name-of-ada"
  metrics=$(curl -sS --max-time 20 "http://127.0.0.1:$stray_admin/metrics")
  check "its metrics count an unknown key" grep -qE \
    '^keepsake_cookies_rejected_total\{reason="unknown_key"\} [1-9]' <(echo "$metrics")
  said=$(containers logs "$stray" 2>&1)
  id=$(SESSION_KEY=$secret containers run --rm -e SESSION_KEY "$keepsake_tag" check 2>/dev/null | sed -nE 's/.*; key ([0-9a-f]{8}) .*/\1/p')
  check "its log says so, with the id of the others' key" has "$said" "its key id is ${id:?}"
  check "and the remedy" has "$said" "give every replica the same secrets"
  check "and no secret" has_not "$said" "$other"
  containers rm -f "$stray" >/dev/null
}

scale_story() {
  local service loader
  step "three replicas, redis, two services"
  check "what compose.scale.yaml needs is there" scale_images || return
  cp -r deploy/compose.scale.yaml deploy/scale "$work"
  printf 'SESSION_KEY=%s\n' "$secret" >"$work/.env"
  start_scale || return
  take_names
  check "every visitor is known to the first service" everybody_known /
  check "and to the other, in another language" everybody_known /foreign/
  check "redis holds the sessions" within 20 stored
  check "and no name" no_name_on_disk
  check "a service does not reach redis" unreachable

  begin_load
  for service in keepsake-1 keepsake-2; do
    die "$service"
    check "without $service every visitor is known" within 20 everybody_known /
    come_back "$service"
  done
  die redis
  check "without redis visitors are asked to wait" within 20 asks_to_wait
  come_back redis
  check "and then every visitor is known" everybody_known /
  for service in demo-backend foreign; do
    die "$service"
    check "without $service keepsake answers" within 20 answers_somehow
    come_back "$service"
  done
  end_load
  check "every visitor is known at the end" everybody_known /
  check "to both services" everybody_known /foreign/
  check "somebody's own end of a session is its end for each replica" nobody_after_reset
  stop_scale

  step "three replicas that share nothing but the secret"
  printf 'SESSION_KEY=%s\nSESSION_STORE=cookie\n' "$secret" >"$work/.env"
  start_scale || return
  rm -f "$work"/*.jar
  take_names
  begin_load
  die redis
  check "without redis every visitor is known" everybody_known /
  die keepsake-3
  check "without keepsake-3 every visitor is known" within 20 everybody_known /
  come_back keepsake-3
  end_load
  check "every visitor is known at the end" everybody_known /foreign/
  stray_replica
  stop_scale
}

stored() { [[ $(containers exec "$(container_of redis)" redis-cli dbsize) -ge ${#visitors[@]} ]]; }

no_name_on_disk() {
  containers exec "$(container_of redis)" sh -c 'cat /data/appendonlydir/*' >"$work/appended"
  grep -qi 'hset\|eval' "$work/appended" && ! grep -q Name-of "$work/appended"
}

unreachable() {
  ! containers exec "$(container_of foreign)" python3 -c 'import socket; socket.create_connection(("redis", 6379), 3)'
}

# The cookie of before the reset, used again, opens nothing: the session is gone from redis.
nobody_after_reset() {
  cp "$work/cleo.jar" "$work/copied.jar"
  is "$(visit cleo -o /dev/null -w '%{http_code}' "$url/reset")" 303 || return
  local _
  for _ in {1..6}; do
    cp "$work/copied.jar" "$work/copy.jar"
    has_not "$(visit copy "$url/")" Name-of-cleo || return
  done
}
