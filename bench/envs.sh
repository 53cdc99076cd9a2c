#!/usr/bin/env bash
# The peers' own environment, so that theirs and ours never share a library: bench/.envs/peers.
#
#   bench/envs.sh             makes it, or says that it is there
#
# Variables: PYTHON (what makes it), TORCH_INDEX (the index torch comes from; by default the one
# that pip is configured with), TORCH_VERSION. Torch comes first, as an open range would pull the
# CUDA packages.
set -euo pipefail
cd "$(dirname "$0")"

where=.envs/peers
torch=${TORCH_VERSION:-2.13.0}
stamp=$where/.ready-$torch
[ -e "$stamp" ] && { echo "bench/$where is ready"; exit 0; }

"${PYTHON:-python3}" -m venv "$where"
pip() { "$where/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch==$torch"
pip install -c peers/constraints.txt -r peers/requirements.txt
pip freeze | grep -Ei '^(torch|sentence-transformers|transformers|scikit-learn|numpy|tokenizers)=='
touch "$stamp"
