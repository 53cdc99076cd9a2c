#!/usr/bin/env bash
# The benches of hours, one after the other, then the tables of README.md and docs/benchmarks.md.
#
#   bench/run_long.sh             goes on where it stopped: every run is a piece of its own
#   bench/run_long.sh --quick     tiny: proves that it runs
#   bench/run_long.sh --keep      keeps pieces although the sources changed (the results say so)
#   bench/run_long.sh --tell      measures nothing: writes what the finished pieces give
#
# BENCHES names those to run (default: all). A peer that does not run here is left out, and
# peers_status.py says why.
set -uo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-.venv/bin/python}
case " $* " in
  *" --tell "*) ;;
  *) bench/envs.sh trainer setfit fastfit autointent || echo "the others go on" >&2 ;;
esac

failed=()
for name in ${BENCHES:-peers_status hard_transfer few_labels regret image_tuning}; do
  case "$name $* " in
    "peers_status"*" --tell "*) continue ;; # its pieces take seconds, and it has no such flag
  esac
  echo "== $name ($(date +%H:%M:%S))"
  "$python" "bench/$name.py" "$@" || failed+=("$name")
done
case " $* " in
  *" --quick "*) "$python" bench/tables.py --quick ;;
  *) "$python" bench/tables.py && "$python" bench/pages.py ;;
esac
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
