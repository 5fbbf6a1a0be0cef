# shellcheck shell=bash
# The story of compose.scale.yaml, sourced by deploy/test-containers.sh: three Keepsakes behind HAProxy, two
# services; containers die under load, and no visitor loses a name.

visitors=(ada bert cleo dora emil)

# The public images where they can be had, else one of Debian's packages that stands in for both.
scale_images() {
  local image
  for image in docker.io/library/haproxy:lts docker.io/library/python:3-slim; do
    if [[ $engine != docker ]] || ! docker pull -q "$image"; then
      build_file tests/containers/Dockerfile.stand-in "$stand_in_tag" tests/containers || return 1
      export BALANCER_IMAGE=$stand_in_tag PYTHON_IMAGE=$stand_in_tag
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

# Visits all the time until told to stop; writes how often a visitor was answered, and how often as a stranger.
load() {
  local known=0 unknown=0 other=0 visitor page
  while [[ ! -e $work/enough ]]; do
    for visitor in "${visitors[@]}"; do
      if ! page=$(curl -fsS --max-time 5 -b "$work/$visitor.under-load" "$url/foreign/" 2>/dev/null); then
        other=$((other + 1))
      elif [[ $page == *"Name-of-$visitor"* ]]; then
        known=$((known + 1))
      else
        unknown=$((unknown + 1))
      fi
    done
  done
  echo "$known $unknown $other" >"$work/load"
}

answers_at() { curl -fsS --max-time 5 -o /dev/null "$url$1" 2>/dev/null; }

scale_story() {
  local visitor known=0 unknown=1 other=0 loader service
  step "three replicas, two services"
  check "what compose.scale.yaml needs is there" scale_images || return
  cp -r deploy/compose.scale.yaml deploy/scale "$work"
  printf 'SESSION_KEY=%s\n' "$secret" >"$work/.env"
  check "compose starts all of it" up -f compose.scale.yaml || {
    cat "$work/up.log"
    return
  }
  check "the page comes through the balancer" within 60 answers || {
    for service in balancer keepsake-1 demo-backend; do
      echo "--- $service"
      containers logs "$(container_of "$service")" 2>&1 | tail -n 20
    done
    return
  }
  check "each replica has found both services" within 60 everything_answers
  for visitor in "${visitors[@]}"; do
    visit "$visitor" -o /dev/null --data-urlencode "name=Name-of-$visitor" "$url/setName"
  done
  check "every visitor is known to the first service" everybody_known /
  check "and to the other, in another language" everybody_known /foreign/

  rm -f "$work/enough"
  for visitor in "${visitors[@]}"; do # jars of its own: curl rewrites the others meanwhile
    cp "$work/$visitor.jar" "$work/$visitor.under-load"
  done
  load &
  loader=$!
  for service in keepsake-1 keepsake-2 demo-backend foreign; do
    containers kill -s KILL "$(container_of "$service")" >/dev/null
    if [[ $service == keepsake-* ]]; then
      check "without $service every visitor is known" within 20 everybody_known /
    else
      check "without $service keepsake answers" within 20 answers_somehow
    fi
    containers start "$(container_of "$service")" >/dev/null
    check "$service, killed and started, is back" within 40 everything_answers
  done
  touch "$work/enough"
  wait "$loader"
  read -r known unknown other <"$work/load"
  echo "        under load: $known visits known, $unknown as a stranger, $other not answered"
  check "no visitor was taken for a stranger" test "$unknown" -eq 0
  check "most visits were answered" test "$known" -gt "$other"
  check "every visitor is known at the end" everybody_known /
  check "to both services" everybody_known /foreign/
  (cd "$work" && compose -f compose.scale.yaml down) >/dev/null 2>&1
}

answers_somehow() { [[ $(status_of "$url/") =~ ^(200|502|504)$ ]]; }

# Nine in a row reach each of the three replicas.
everything_answers() {
  local path
  for path in / /foreign/; do
    for _ in {1..9}; do
      answers_at "$path" || return 1
    done
  done
}
