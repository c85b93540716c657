#!/usr/bin/env bash
# Makes everything a server with roles needs, in a folder of its own: an authority, certificates of the server and of
# clients, a seed file per role (NAME.nk, for --creds), keys.conf with the public keys, and copies of the configuration.
# Usage: make_keys.sh DIR [HOST...]   HOST: names or addresses of the server beside 127.0.0.1 and localhost
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
dir="${1:?usage: make_keys.sh DIR [HOST...]}"
shift
[ ! -e "$dir/keys.conf" ] || { echo "$dir/keys.conf is there; nothing is overwritten" >&2; exit 1; }
umask 077
mkdir -p "$dir"
cd "$dir"

names="DNS:localhost,IP:127.0.0.1"
for host in "$@"; do
  case "$host" in *[a-zA-Z]*) names="$names,DNS:$host" ;; *) names="$names,IP:$host" ;; esac
done
days=825
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days $days -subj "/CN=tidegate authority" -keyout ca.key -out ca.crt 2>/dev/null
certificate() { # name, extensions
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=tidegate $1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days $days -extfile <(echo "$2") -out "$1.crt" 2>/dev/null
  rm "$1.csr"
}
certificate server "subjectAltName=$names
extendedKeyUsage=serverAuth,clientAuth"
certificate client "extendedKeyUsage=clientAuth"

# nkeys come with the NATS client, which is a dependency of tidegate
cd "$here"
node --input-type=module -e '
  import { writeFileSync } from "node:fs"
  import { nkeys } from "@nats-io/transport-node"
  const dir = process.argv[1]
  const roles = ["ingest", "worker", "executor", "orders", "operator", "subscriber", "replay"]
  const names = [...["paper", "live"].flatMap((mode) => roles.map((role) => `${mode}_${role}`)), "bt_backtest", "sys_admin"]
  const lines = names.map((name) => {
    const pair = nkeys.createUser()
    writeFileSync(`${dir}/${name}.nk`, pair.getSeed(), { mode: 0o600 })
    return `${name.toUpperCase()}: ${pair.getPublicKey()}`
  })
  writeFileSync(`${dir}/keys.conf`, `${lines.join("\n")}\n`)
' "$OLDPWD"
cp nats.conf cluster.conf accounts.conf "$OLDPWD/"
echo "made in $OLDPWD: start nats-server there, and give clients --tls-ca ca.crt --tls-cert client.crt --tls-key client.key --creds ROLE.nk"
