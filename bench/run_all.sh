#!/usr/bin/env bash
# All benches, one after the other, then the tables of README.md. Flags go to each: --quick, --again.
# What is finished is kept; the same command goes on where it stopped. The hours: run_long.sh.
set -uo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-.venv/bin/python}
[ -x bench/.envs/peers/bin/python ] || bench/envs.sh

failed=()
for name in startup encoding soft_transfer hybrid second_start second_fit verdict_wrong \
  cached_epoch compare calibration abstention label_errors select_rows image_bases \
  image_encoding bundle; do
  echo "== $name ($(date +%H:%M:%S))"
  "$python" "bench/$name.py" "$@" || failed+=("$name")
done
case " $* " in
  *" --quick "*) "$python" bench/tables.py --quick ;;
  *) "$python" bench/tables.py && "$python" bench/pages.py ;;
esac
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
