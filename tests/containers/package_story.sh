#!/bin/bash
# Runs inside of a Debian container, started by package.sh: /work/old.deb, /work/new.deb.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive
# shellcheck source=tests/containers/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

check_config() { (set -a && . /etc/keepsake/session_key.env && keepsake check); }
version() { dpkg-query -W -f '${Version}' keepsake; }

apt-get update -q >/dev/null 2>&1
find / -xdev -not -path '/proc/*' -not -path '/tmp/*' | sort >/tmp/before
check "it installs, with what it depends on" apt-get install -q -y --no-install-recommends /work/old.deb
check "the program starts" keepsake --version
check "the sample configuration and the secret are accepted" check_config
check "the secret is for root only" is "$(stat -c '%a %U' /etc/keepsake/session_key.env)" "600 root"
check "there is a user for the service" id keepsake
check "the unit is there" grep -q ExecStart=/usr/bin/keepsake /usr/lib/systemd/system/keepsake.service
check "so is the socket" test -s /usr/lib/systemd/system/keepsake.socket
for page in man1/keepsake.1 man5/keepsake.yaml.5; do
  check "the manual page $page is there" grep -q '^\.TH' <(gzip -dc "/usr/share/man/$page.gz")
done
for completion in bash-completion/completions/keepsake zsh/vendor-completions/_keepsake \
  fish/vendor_completions.d/keepsake.fish; do
  check "the completion $completion is there" grep -q keygen "/usr/share/$completion"
done
check "bash takes its completion" bash -c '. /usr/share/bash-completion/completions/keepsake && complete -p keepsake'
check "the licence is there" test -s /usr/share/doc/keepsake/copyright
check "nothing overrides lintian" gone /usr/share/lintian/overrides/keepsake
secret=$(</etc/keepsake/session_key.env)

echo '# mine' >>/etc/keepsake/keepsake.yaml
check "an older version is upgraded" dpkg -i /work/new.deb
check "it is the newer one" dpkg --compare-versions "$(version)" gt "$(dpkg-deb -f /work/old.deb Version)"
check "the configuration is still mine" grep -q '^# mine$' /etc/keepsake/keepsake.yaml
check "the secret stays" is "$(</etc/keepsake/session_key.env)" "$secret"

check "it can be removed" dpkg -r keepsake
check "the program is gone" gone /usr/bin/keepsake
check "the configuration stays" test -f /etc/keepsake/keepsake.yaml
check "the secret stays too" test -f /etc/keepsake/session_key.env
check "and installed again" dpkg -i /work/new.deb
check "the secret is the same" is "$(</etc/keepsake/session_key.env)" "$secret"

# What apt brought along, and what dpkg remembers of any package, is not keepsake's.
leftovers() {
  find / -xdev -not -path '/proc/*' -not -path '/tmp/*' | sort | comm -13 /tmp/before - | grep -i keepsake
}
check "it can be purged" dpkg -P keepsake
check "nothing is left in /etc" gone /etc/keepsake
check "nothing is left elsewhere" fails leftovers
check "and installed as new" dpkg -i /work/new.deb
new_secret() { [[ $(</etc/keepsake/session_key.env) != "$secret" ]]; }
check "with another secret" new_secret
finish
