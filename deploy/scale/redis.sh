#!/bin/sh
# One of the redis servers that Sentinels watch: redis.sh OWN-NAME. It follows the primary that a Sentinel names; while
# none does, redis-1 is the primary.
set -eu
primary=
for sentinel in sentinel-1 sentinel-2 sentinel-3; do
  [ -n "$primary" ] ||
    primary=$(REDISCLI_AUTH=$REDIS_PASSWORD timeout 2 redis-cli -h "$sentinel" -p 26379 sentinel get-master-addr-by-name mymaster 2>/dev/null | head -n 1) || true
done
primary=${primary:-redis-1}
follow=
[ "$primary" = "$1" ] || follow="--replicaof $primary 6379"
# shellcheck disable=SC2086
exec redis-server --dir /data --appendonly yes --save "" --requirepass "$REDIS_PASSWORD" --masterauth "$REDIS_PASSWORD" \
  --replica-announce-ip "$1" $follow
