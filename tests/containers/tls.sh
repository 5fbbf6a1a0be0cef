# shellcheck shell=bash
# The story of compose.tls.yaml, sourced by deploy/test-containers.sh: https at the published port, a certificate that is
# renewed, and the image's own authorities, by which a second Keepsake judges the first.

tls_visit() { # VISITOR CURL-ARGUMENTS...
  visit "$1" --cacert "$work/tls/tls.crt" --resolve "keepsake:$KEEPSAKE_TLS_PORT:127.0.0.1" "${@:2}"
}

tls_answers() { tls_visit nobody -f -o /dev/null "$tls_url/" 2>/dev/null; }

fingerprint() {
  openssl s_client -connect "127.0.0.1:$KEEPSAKE_TLS_PORT" -servername keepsake </dev/null 2>/dev/null |
    openssl x509 -noout -fingerprint -sha256
}

serves_the_new_one() { [[ $(fingerprint) == "$(openssl x509 -noout -fingerprint -sha256 -in "$work/tls/tls.crt")" ]]; }

tls_story() {
  local files=(-f compose.yaml -f compose.tls.yaml) answer began
  step "https"
  cp deploy/compose.tls.yaml "$work"
  cp -r config/examples/tls "$work/tls"
  rm -f "$work"/*.jar
  check "the example makes a certificate" "$work/tls/make-certificate.sh" keepsake
  printf 'SESSION_KEY=%s\n' "$secret" >"$work/.env"
  KEEPSAKE_TLS_PORT=$(free_port)
  export KEEPSAKE_TLS_PORT KEEPSAKE_TLS_DIR=$work/tls
  tls_url=https://keepsake:$KEEPSAKE_TLS_PORT
  check "compose starts both" up "${files[@]}" || {
    cat "$work/up.log"
    return
  }
  check "the page comes by https" within 30 tls_answers || {
    containers logs "$(container_of keepsake)" 2>&1 | tail -n 20
    return
  }
  check "keepsake is healthy" within 90 healthy keepsake
  answer=$(curl -sS --max-time 20 -o /dev/null -w '%{http_code} %{redirect_url}' "$url/a?b=c")
  check "by http a browser is sent there" is "$answer" "308 https://127.0.0.1:$KEEPSAKE_TLS_PORT/a?b=c"
  check "a name can be set" is \
    "$(tls_visit anna -o "$work/page" -w '%{http_code}' --data-urlencode "name=Anna" "$tls_url/setName")" 303
  check "it is seen" has "$(tls_visit anna "$tls_url/")" Anna
  check "the cookie never leaves https" grep -qE '^#HttpOnly_keepsake.FALSE./.TRUE.0.__Host-session.' "$work/anna.jar"
  check "browsers stay with https" has "$(tls_visit anna -D - -o /dev/null "$tls_url/" | tr A-Z a-z)" "strict-transport-security: max-age="
  check "the service knows that it was https" has "$(tls_visit anna "$tls_url/headers")" '["X-Forwarded-Proto","https"]'
  check "TLS 1.1 is refused" refused_below_1_2

  began=$(inspect "$(container_of keepsake)" '{{.State.StartedAt}}')
  "$work/tls/make-certificate.sh" keepsake >/dev/null 2>&1
  check "a new certificate in its place is served" within 30 serves_the_new_one
  check "to visitors who are still known" has "$(tls_visit anna "$tls_url/")" Anna
  check "without a restart" is "$(inspect "$(container_of keepsake)" '{{.State.StartedAt}}')" "$began"

  # A Keepsake in front of this one, which it believes only by the file of authorities in the image.
  sed 's|http://\${BACKEND:-demo-backend:8081}|https://keepsake:8443|' deploy/container.yaml >"$work/to-https.yaml"
  check "a backend whose certificate nobody signed is not believed" is "$(through_a_second)" 502
  check "and the log says why" grep -qi certificate "$work/second.log"
  check "with its authority in the image's file it is" is \
    "$(through_a_second -v "$work/tls/tls.crt:/etc/ssl/certs/ca-certificates.crt:ro")" 200
  (cd "$work" && compose "${files[@]}" down) >/dev/null 2>&1
}

refused_below_1_2() {
  ! openssl s_client -connect "127.0.0.1:$KEEPSAKE_TLS_PORT" -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null
}

# The status of a page by way of one more Keepsake, which speaks https to the first.
through_a_second() { # CONTAINER-ARGUMENTS...
  local port id
  port=$(free_port)
  id=$(containers run -d --label "$project_label=$project" --network "${project}_edge" -p "127.0.0.1:$port:8080" \
    -e "SESSION_KEY=$secret" -v "$work/to-https.yaml:/etc/keepsake/keepsake.yaml:ro" "$@" "$keepsake_tag")
  second_answers() { [[ $(status_of "http://127.0.0.1:$port/" 2>/dev/null) =~ ^(200|502)$ ]]; }
  within 30 second_answers
  status_of "http://127.0.0.1:$port/"
  containers logs "$id" >"$work/second.log" 2>&1
  containers rm -f "$id" >/dev/null
}
