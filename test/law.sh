#!/usr/bin/env bash
# The law of the two executions, long, on this Node and on others that the package registry has.
# usage: npm run law -- [RUNS] [NODE_VERSION ...]
set -euo pipefail
cd "$(dirname "$0")/.."
runs="${1:-1000}"
shift || true
export TIDEGATE_RUNS="$runs"
for version in "${@:-20 22 24}"; do
  for one in $version; do
    echo "node $one, $runs runs a property"
    npx --yes --package "node@$one" -- node node_modules/vitest/vitest.mjs run test/two_executions.test.ts test/wild_graphs.test.ts test/random_graphs.test.ts
  done
done
