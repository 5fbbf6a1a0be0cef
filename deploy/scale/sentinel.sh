#!/bin/sh
# One of the Sentinels: sentinel.sh OWN-NAME. Two of three decide. Names in place of addresses, for containers that come
# back have other addresses.
set -eu
cat >/data/sentinel.conf <<END
port 26379
dir /data
requirepass $REDIS_PASSWORD
sentinel sentinel-pass $REDIS_PASSWORD
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $1
sentinel monitor mymaster redis-1 6379 2
sentinel auth-pass mymaster $REDIS_PASSWORD
sentinel down-after-milliseconds mymaster 5000
sentinel failover-timeout mymaster 10000
END
exec redis-server /data/sentinel.conf --sentinel
