#!/bin/sh
# Compiles pyproject.toml into hash-locked files. Run by `make lock`; commit what it writes.
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --generate-hashes --no-annotate --python-version 3.11 --universal --no-header "$@"; }
compile pyproject.toml -o requirements/core.txt
compile pyproject.toml --extra dev -c requirements/core.txt -o requirements/dev.txt
compile pyproject.toml --extra deep -c requirements/core.txt -o requirements/deep.txt
for group in clients compile fuzz; do
  compile --group "pyproject.toml:$group" -c requirements/dev.txt -o "requirements/$group.txt"
done
printf 'torch==2.13.0\n' > requirements/.torch.in
compile pyproject.toml requirements/.torch.in --extra train --extra demo -c requirements/core.txt -o requirements/train-cuda.txt
rm requirements/.torch.in
# The CPU build of torch has the same version, none of the CUDA packages, and a hash of its own.
awk '
  /^[A-Za-z]/ { skip = $0 ~ /^(torch|triton|nvidia-|cuda-)/ }
  !skip
' requirements/train-cuda.txt > requirements/train-cpu.txt
cat >> requirements/train-cpu.txt <<'TORCH'
torch==2.13.0 \
    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
TORCH
