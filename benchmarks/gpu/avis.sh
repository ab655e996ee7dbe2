#!/bin/bash
# AVIS on one GPU: throughput of its encoders, and the table of `asterism reproduce avis` as far as it is asked for.
#
#   OUT=results SKY=sky bash benchmarks/gpu/avis.sh [ROWS]
#
# SKY is a directory with the catalogs `train` and `test`; without one only the throughput is measured. They are simulated by
#   asterism simulate --survey desi-even --modalities photometry,image,spectrum --quantize 10 --template-part train|test …
# ROWS is what --only takes; by default the rows of the method that is kept and what stands beside it. A table that is cut off continues
# where it was when started again with the same WORK. Figures are left in $OUT, no data.
set -euo pipefail
OUT=${OUT:-results}
WORK=${WORK:-avis}
SCALE=${SCALE:-medium}
ROWS=${1:-infonce-pretrained,infonce-pretrained-normalised,lightgbm,mean,pca,untrained}
ASTERISM=${ASTERISM:-asterism}
PYTHON=${PYTHON:-python}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$OUT"
"$PYTHON" "$HERE/avis_speed.py" --device cuda --batch 64 --rounds 5 >"$OUT/avis-speed.md"
[ -n "${SKY:-}" ] || exit 0
[ -d "$SKY/train" ] && [ -d "$SKY/test" ] || { echo "$SKY has no catalogs train and test; simulate them first" >&2; exit 1; }
start=$(date +%s)
"$ASTERISM" reproduce avis --scale "$SCALE" --data "$SKY" --only "$ROWS" --out "$WORK"
echo "$ROWS $(($(date +%s) - start)) s" >>"$OUT/training.txt"
cp "$WORK/results.json" "$WORK/avis.json" "$OUT/"
