#!/usr/bin/env bash
# Runs `make test` on a fresh clone of this repository's HEAD three times: on a quiet machine, beside four busy loops,
# and on one core. No test's outcome may depend on who is faster, so all three have to pass.
#
#   tools/testruns/run.sh [DIRECTORY [quiet|busy|single ...]]
#
# DIRECTORY keeps the logs (by default a new one under the temporary directory). Exits 1 if a run failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
logs=${1:-$(mktemp -d "${TMPDIR:-/tmp}/testruns.XXXXXX")}
shift || true
runs=("${@:-}")
[ -n "${runs[0]:-}" ] || runs=(quiet busy single)
mkdir -p "$logs"
clone=$(mktemp -d "${TMPDIR:-/tmp}/clone.XXXXXX")
loops=()

finish() {
  [ ${#loops[@]} -eq 0 ] || kill "${loops[@]}" 2>/dev/null || true
  rm -rf "$clone"
}
trap finish EXIT
trap 'exit 130' INT TERM

git clone -q . "$clone/mlstack"
failed=0
for run in "${runs[@]}"; do
  command=(make test)
  case $run in
    quiet) ;;
    busy) for _ in 1 2 3 4; do python3 -c 'while True: pass' & loops+=($!); done ;;
    single) command=(taskset -c 0 make test) ;;
    *) echo "There is no run $run: quiet, busy, single." >&2; exit 2 ;;
  esac
  began=$SECONDS
  (cd "$clone/mlstack" && exec "${command[@]}") >"$logs/$run.log" 2>&1 && state=passed || { state=failed; failed=1; }
  [ ${#loops[@]} -eq 0 ] || { kill "${loops[@]}"; wait "${loops[@]}" 2>/dev/null || true; loops=(); }
  printf '%-7s %s in %d:%02d  %s\n' "$run" "$state" $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)) \
    "$(tail -1 "$logs/$run.log")"
done
echo "The logs are in $logs."
exit "$failed"
