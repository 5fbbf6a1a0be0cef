#!/bin/sh
# A server of a Redis Cluster, called by its name whatever its address: cluster.sh serve OWN-NAME. Or makes such servers
# a cluster, unless they are one: cluster.sh join NAME...
set -eu
export REDISCLI_AUTH="$REDIS_PASSWORD"
what=$1
shift
if [ "$what" = serve ]; then
  exec redis-server --dir /data --appendonly yes --save "" --requirepass "$REDIS_PASSWORD" --masterauth "$REDIS_PASSWORD" \
    --cluster-enabled yes --cluster-node-timeout 5000 --cluster-announce-hostname "$1" \
    --cluster-announce-ip "$(getent hosts "$1" | awk '{print $1; exit}')" --cluster-preferred-endpoint-type hostname
fi
places=
for name in "$@"; do
  until redis-cli -h "$name" ping | grep -q PONG; do sleep 1; done
  places="$places $(getent hosts "$name" | awk '{print $1; exit}'):6379"
done
if redis-cli -h "$1" cluster info | grep -q cluster_state:ok; then
  exit 0
fi
# shellcheck disable=SC2086
exec redis-cli --cluster create $places --cluster-replicas 1 --cluster-yes
