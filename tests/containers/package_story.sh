#!/bin/bash
# Runs inside of a Debian container, started by package.sh: /work/first.deb, /work/next.deb.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive
passed=0 failed=0

check() { # SENTENCE COMMAND...
  local sentence=$1
  shift
  if "$@" >/tmp/said 2>&1; then
    echo "ok      $sentence"
    passed=$((passed + 1))
  else
    echo "FAILED  $sentence"
    sed 's/^/        /' /tmp/said | tail -n 20
    failed=$((failed + 1))
  fi
}

is() { [[ $1 == "$2" ]] || { echo "got: $1"; echo "expected: $2"; return 1; }; }
gone() { [[ ! -e $1 ]]; }
check_config() { (set -a && . /etc/keepsake/session_key.env && keepsake check); }

apt-get update -q >/dev/null 2>&1
check "it installs, with what it depends on" apt-get install -q -y --no-install-recommends /work/first.deb
check "the program starts" keepsake --version
check "the sample configuration and the secret are accepted" check_config
check "the secret is for root only" is "$(stat -c '%a %U' /etc/keepsake/session_key.env)" "600 root"
check "there is a user for the service" id keepsake
check "the unit is there" grep -q ExecStart=/usr/bin/keepsake /usr/lib/systemd/system/keepsake.service
secret=$(</etc/keepsake/session_key.env)

echo '# mine' >>/etc/keepsake/keepsake.yaml
check "an upgrade installs" dpkg -i /work/next.deb
check "it is the next version" is "$(dpkg-query -W -f '${Version}' keepsake | grep -c '+next')" 1
check "the configuration is still mine" grep -q '^# mine$' /etc/keepsake/keepsake.yaml
check "the secret stays" is "$(</etc/keepsake/session_key.env)" "$secret"

check "it can be removed" dpkg -r keepsake
check "the program is gone" gone /usr/bin/keepsake
check "the configuration stays" test -f /etc/keepsake/keepsake.yaml
check "the secret stays too" test -f /etc/keepsake/session_key.env
check "and installed again" dpkg -i /work/first.deb
check "the secret is the same" is "$(</etc/keepsake/session_key.env)" "$secret"

check "it can be purged" dpkg -P keepsake
check "nothing is left in /etc" gone /etc/keepsake
check "nothing is left elsewhere" gone /usr/share/doc/keepsake
check "and installed as new" dpkg -i /work/next.deb
new_secret() { [[ $(</etc/keepsake/session_key.env) != "$secret" ]]; }
check "with another secret" new_secret

echo "$passed passed, $failed failed"
