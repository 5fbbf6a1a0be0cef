#!/bin/bash
# Runs inside of a container whose first process is systemd, started by package.sh: the service that the package brings.
# /work holds old.deb, new.deb and demo-backend.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive
# shellcheck source=tests/containers/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

url=http://127.0.0.1:8080
config=/etc/keepsake/keepsake.yaml
main_pid() { systemctl show -P MainPID keepsake; }
active() { systemctl is-active --quiet keepsake; }
status_of() { curl -sS --max-time 10 -o /tmp/page -w '%{http_code}' -b /tmp/jar -c /tmp/jar "$@"; }
another_pid() { [[ $(main_pid) != "$1" && $(main_pid) != 0 ]] && active; } # PID
journal() { journalctl -u keepsake --no-pager -o cat "$@"; }
of_process() { awk -v name="$1:" '$1 == name {print $2}' "/proc/$(main_pid)/status"; } # FIELD

apt-get update -q >/dev/null 2>&1
check "an older version installs" apt-get install -q -y --no-install-recommends /work/old.deb
check "systemd finds nothing wrong with the unit" systemd-analyze verify keepsake.service
check "nor with the socket" systemd-analyze verify keepsake.socket
check "its exposure is 1.1 at most" systemd-analyze security --threshold=11 keepsake.service
systemd-analyze security keepsake.service | tail -n 1
check "it waits for its configuration before it starts" fails active

systemd-run -q --unit demo-backend /work/demo-backend
check "the service starts" systemctl enable --now keepsake || { journal; finish; }
check "the page comes" is "$(status_of "$url/")" 200
check "a name can be set" is "$(status_of -d name=Anna "$url/setName")" 303
check "it runs as its user" is "$(of_process Uid)" "$(id -u keepsake)"
check "without capabilities, now or ever" is "$(of_process CapEff) $(of_process CapBnd)" "0000000000000000 0000000000000000"
check "without new privileges" is "$(of_process NoNewPrivs)" 1
check "within its system calls" is "$(of_process Seccomp)" 2
check "where users are itself and root" is "$(wc -l <"/proc/$(main_pid)/uid_map")" 2
check "where it can be run" nsenter -t "$(main_pid)" -m /usr/bin/keepsake --version
check "and nothing else" fails nsenter -t "$(main_pid)" -m /usr/bin/true
check "the journal has no complaint of systemd" fails grep -i 'different\|ignoring\|unknown' <(journal)

pid=$(main_pid)
echo 'not_a_key: 1' >>$config
check "a bad configuration is refused at a reload" fails systemctl reload keepsake
sed -i '/^not_a_key/d' $config
check "and changes nothing" is "$(status_of "$url/")$(main_pid)" "200$pid"
check "a good one is taken" systemctl reload keepsake
check "by the same process" is "$(main_pid)" "$pid"
systemctl kill --kill-whom=main -s SIGUSR2 keepsake
check "SIGUSR2 has another process serve" within 30 another_pid "$pid"
check "as the same service" is "$(status_of "$url/")" 200
pid=$(main_pid)
systemctl kill --kill-whom=main -s KILL keepsake
check "killed, it comes back" within 30 another_pid "$pid"
known() { status_of "$url/" >/dev/null && grep -q Anna /tmp/page; }
check "and knows everybody" within 30 known

pid=$(main_pid)
check "an upgrade" dpkg -i /work/new.deb
check "restarts it" within 60 another_pid "$pid"
check "and it knows everybody" within 30 known

# Without what it needs it says so, once.
mv /etc/keepsake/session_key.env /tmp
check "without a secret it does not start" fails systemctl restart keepsake
check "and names the command that makes one" has "$(journal -n 20)" "keepsake keygen"
check "trying again would be of no use" is "$(systemctl show -P NRestarts keepsake)" 0
mv /tmp/session_key.env /etc/keepsake
echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
sed -i 's/0\.0\.0\.0:8080 /0.0.0.0:80 /' $config
check "a port below 1024 is refused" fails systemctl restart keepsake
check "and the log says what to do" has "$(journal -n 40)" "keepsake.socket"
systemctl stop keepsake
install -D -m 0644 /usr/share/doc/keepsake/examples/low-ports.conf /etc/systemd/system/keepsake.service.d/low-ports.conf
systemctl daemon-reload
systemctl reset-failed keepsake
check "low-ports.conf allows it" systemctl start keepsake
check "the page comes there" is "$(status_of http://127.0.0.1/)" 200
check "with that one capability" is "$(of_process CapBnd)" 0000000000000400
rm -r /etc/systemd/system/keepsake.service.d
mkdir -p /etc/systemd/system/keepsake.socket.d
printf '[Socket]\nListenStream=\nListenStream=0.0.0.0:80\n' >/etc/systemd/system/keepsake.socket.d/port.conf
systemctl daemon-reload
systemctl stop keepsake
check "keepsake.socket too" systemctl start keepsake.socket
check "the first visitor starts the service" is "$(status_of http://127.0.0.1/)" 200
check "without a capability" is "$(of_process CapBnd)" 0000000000000000
pid=$(main_pid)
systemctl restart --no-block keepsake
check "during a restart visitors wait" is "$(status_of http://127.0.0.1/)" 200
check "until it is there again" within 30 another_pid "$pid"

systemctl stop keepsake.socket keepsake
check "it stops with success" is "$(systemctl show -P Result keepsake)" success
rm -r /etc/systemd/system/keepsake.socket.d
systemctl daemon-reload
sed -i 's/0\.0\.0\.0:80 /0.0.0.0:8080 /' $config
check "it starts again" systemctl start keepsake
check "a removal stops it" dpkg -r keepsake
check "nobody serves any more" fails curl -sS --max-time 5 "$url/"
check "a purge" dpkg -P keepsake
check "leaves nothing" fails systemctl cat keepsake.service
check "and nothing failed" is "$(systemctl --failed --no-legend | grep -c keepsake)" 0
finish
