#!/usr/bin/env bash
# Installs nats-server from Debian, and beside it a newer one of a later suite into DIR, the system untouched.
# Prints NATS_SERVER_NEW_BIN=PATH of the newer one. Both are for tests; the server of this suite is the oldest we support.
set -euo pipefail
dir="$(mkdir -p "$1" && cd "$1" && pwd)"
suite="${2:-trixie}"
if ! command -v nats-server >/dev/null && [ ! -x /usr/sbin/nats-server ]; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends nats-server; } >&2
fi
if [ ! -x "$dir/usr/sbin/nats-server" ]; then
  # the mirror this machine uses for its own packages
  mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | grep '/debian/\?$' | head -1)"
  root="$(mktemp -d)"
  mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial"
  : >"$root/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$root/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$root/sources.list" -o "Dir::Etc::sourceparts=/dev/null"
    -o "Dir::State=$root/state" -o "Dir::State::status=$root/status" -o "Dir::Cache=$root/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >&2
  (cd "$root" && apt-get "${options[@]}" download nats-server >&2 && dpkg -x nats-server_*.deb "$dir")
  rm -rf "$root"
fi
echo "NATS_SERVER_NEW_BIN=$dir/usr/sbin/nats-server"
