#!/bin/bash
# MargFormer's models at the paper's size on one GPU: throughput, then a training each of the published and of our network.
#
#   OUT=results bash benchmarks/gpu/margformer.sh [OBJECTS]
#
# OBJECTS (default 240000, the compact set's number) are simulated where it runs; figures are left in $OUT, no data.
# A command that is cut off continues where it was when started again with the same WORK.
set -euo pipefail
OBJECTS=${1:-240000}
OUT=${OUT:-results}
WORK=${WORK:-work}
PYTHON=${PYTHON:-python}
ASTERISM=${ASTERISM:-asterism}
mkdir -p "$OUT" "$WORK"

"$PYTHON" benchmarks/model_speed.py --device cuda --train-batch 1024 --batch 8192 --rounds 5 \
    --only margformer-published margformer margnet-ensemble >"$OUT/speed.md"
cat "$OUT/speed.md"

"$ASTERISM" simulate --size "$OBJECTS" --survey sdss-compact --seed 1 --workers "$(nproc)" --out "$WORK/compact"
"$ASTERISM" split "$WORK/compact" --by source --stratify class --seed 0 --name paper \
    --fractions train=.70,validation=.125,calibration=.05,test=.125
for model in margformer-published margformer; do
    rate=1e-3
    [ "$model" = margformer ] && rate=5e-3
    start=$(date +%s)
    "$ASTERISM" train --catalog "$WORK/compact" --model "$model" --split paper --out "$WORK/$model" \
        --set fit.batch_size=1024 --set fit.epochs=30 --set fit.learning_rate=$rate --set fit.accelerator=gpu
    echo "$model $(($(date +%s) - start)) s" >>"$OUT/training.txt"
    "$ASTERISM" evaluate "$WORK/$model" --catalog "$WORK/compact" --split paper --out "$WORK/$model-report"
    cp "$WORK/$model-report/metrics.json" "$OUT/$model-metrics.json"
    cp "$WORK/$model/history.csv" "$OUT/$model-history.csv"
done
