"""Objects per second of `predict` beside LightGBM, on the same 100,000 rows, in one run.

    python benchmarks/predict_speed.py RUN CATALOG [--rows 100000] [--repeats 5]

RUN was trained with ``--baselines`` on CATALOG's photometry. Its rows are repeated to the number asked for and held in memory
as Arrow, as both methods would get them from a catalog; each method then makes its inputs from the fluxes and answers. The
two take turns, so that a drift of the machine's speed hits both; the ratio of the medians is what counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

import pyarrow as pa
import torch

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.stream import batch_from_table
from asterism.inference.predictor import Predictor
from asterism.learning.baseline_set import BaselineSet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    predictor, catalog = Predictor.from_pretrained(arguments.run), open_catalog(arguments.catalog)
    baselines = BaselineSet.load(arguments.run / "baselines")
    bindings = predictor.bindings(catalog)
    table = catalog.read(sorted({name for group in bindings.values() for name in group.columns}))
    table = pa.concat_tables([table] * -(-arguments.rows // len(table))).slice(0, arguments.rows).combine_chunks()
    lightgbm = baselines.members["lightgbm"]

    def ours() -> None:
        predictor.answer_table(table, bindings)

    def theirs() -> None:
        batch = batch_from_table(table, bindings, predictor.classes)
        with torch.inference_mode():
            values, observed = baselines.features(batch["photometry"])
        lightgbm.predict_proba(torch.where(observed, values, torch.nan).numpy())

    times: dict[str, list[float]] = {"asterism": [], "lightgbm": []}
    for method in (ours, theirs):
        method()  # once to warm up
    for _ in range(arguments.repeats):
        for name, method in (("asterism", ours), ("lightgbm", theirs)):
            start = time.perf_counter()
            method()
            times[name].append(time.perf_counter() - start)
    print(
        f"{arguments.rows:,} rows, {arguments.repeats} repeats in turn, {os.cpu_count()} cores, {torch.get_num_threads()} torch threads"
    )
    for name, seconds in times.items():
        rates = sorted(arguments.rows / s for s in seconds)
        print(f"{name:10s} {statistics.median(rates):>12,.0f} objects/s (from {rates[0]:,.0f} to {rates[-1]:,.0f})")
    ratios = sorted(b / a for a, b in zip(times["asterism"], times["lightgbm"], strict=True))
    print(
        f"ratio asterism / lightgbm: {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f}, pair by pair)"
    )


if __name__ == "__main__":
    main()
