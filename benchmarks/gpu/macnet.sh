#!/bin/bash
# MAC-Net's five networks with the published layers and training on one GPU.
#
#   OUT=results WORK=macnet bash benchmarks/gpu/macnet.sh [NETWORK ...]
#
# WORK is a directory of `asterism reproduce macnet` whose catalogs are there already: simulating needs astropy and GalSim and
# is done elsewhere. At the scale full networks train as published; SCALE=small trains them for 12 epochs, with batch
# normalisation's statistics taken without dropout (by running means, as published, the first epochs validate near chance), and
# needs no catalog of ten times as many objects. Networks are macnet mcnet cnet mnet sscnn1d by default, in this order. A run that is cut off
# continues where it was when started again with the same WORK. Figures are left in $OUT, no data.
set -euo pipefail
OUT=${OUT:-results}
WORK=${WORK:-macnet}
SCALE=${SCALE:-full}
ASTERISM=${ASTERISM:-asterism}
[ -d "$WORK/catalogs/sample" ] || { echo "$WORK has no catalogs/sample; simulate it first with asterism reproduce macnet" >&2; exit 1; }
mkdir -p "$OUT"
for network in "${@:-macnet mcnet cnet mnet sscnn1d}"; do
    for name in $network; do
        start=$(date +%s)
        "$ASTERISM" reproduce macnet --scale "$SCALE" --only "published+$name-published" --workers 1 --out "$WORK"
        echo "$name $(($(date +%s) - start)) s" >>"$OUT/training.txt"
        cp "$WORK/rows/published-sample/$name-published/seed-0/row.json" "$OUT/$name-row.json"
        cp "$WORK/models/sample/$name-published/seed-0/run/history.csv" "$OUT/$name-history.csv"
        cp "$WORK/results.json" "$OUT/results.json"
    done
done
