#!/bin/sh
# A certificate that only you believe, for trying compose.tls.yaml: make-certificate.sh [HOST]
set -eu
host=${1-localhost}
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$host" \
  -addext "subjectAltName=DNS:$host" -keyout tls.key -out tls.crt
# The container's user is not the owner; on a shared machine give the file to group 65532 instead.
chmod 0644 tls.key
echo "wrote $(pwd)/tls.crt and tls.key for $host"
