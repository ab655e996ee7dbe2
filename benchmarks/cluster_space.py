"""Where to seek clusters, decided without labels: stability and noise in an embedding's components and on its map.

    python benchmarks/cluster_space.py C [--repeats 3]

C is a catalog with photometry, e.g. of `asterism simulate --size 3000 --seed 3 --out C`. Its objects' colours and brightness, scaled by their
scatter and bent into 64 numbers by a fixed random layer, stand for an embedding: most of the sky is continuous in them. Beside
it six groups that are truly apart, of 25, 40, 20, 10, 3 and 2 % of 3,000 objects, in 64 dimensions. Prints Markdown.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.lists import list_values, present_rows
from asterism.explore.clustering import Space, cluster_embedding

SPACES: tuple[Space, ...] = ("embedding", "map")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print("| objects | space | clusters | noise | stability (adjusted Rand, each pair) |\n|---|---|---|---|---|")
    for name, values in (("colours", colours(arguments.catalog)), ("groups apart", groups())):
        for space in SPACES:
            found = cluster_embedding(values, space=space, repeats=arguments.repeats)
            pairs = ", ".join(f"{value:.2f}" for value in found.stability)
            where = f"{space}, {found.dimensions} dimensions"
            mean = np.mean(found.stability)
            print(
                f"| {name} | {where} | {found.number} | {100 * found.noise:.0f} % | {mean:.2f} ({pairs}) |", flush=True
            )


def colours(path: str) -> NDArray[np.float32]:
    catalog = open_catalog(path)
    group = next(group for group in catalog.groups.values() if group.kind == "photometry")
    column = catalog.read([f"{group.name}_flux"])[f"{group.name}_flux"]
    flux = list_values(column, len(group.bands), "flux")
    flux = flux[present_rows(column) & np.isfinite(flux).all(axis=1)]
    magnitude = -2.5 * np.arcsinh(flux / 0.5)
    told = np.concatenate([np.diff(magnitude, axis=1), 0.3 * magnitude[:, 2:3]], axis=1)
    low, middle, high = np.percentile(told, [16, 50, 84], axis=0)
    return bent((told - middle) / (high - low))


def groups(rows: int = 3000) -> NDArray[np.float32]:
    rng, fixed = np.random.default_rng(0), np.random.default_rng(5)
    kinds = rng.choice(6, rows, p=[0.25, 0.40, 0.20, 0.10, 0.03, 0.02])
    centres = fixed.normal(size=(6, 64))
    return unit(centres[kinds] + 0.5 * rng.normal(size=(rows, 64)))


def bent(values: NDArray[np.float64]) -> NDArray[np.float32]:
    hidden = np.tanh(0.5 * values @ np.random.default_rng(2).normal(size=(values.shape[1], 64)))
    hidden = np.tanh(hidden + np.random.default_rng(3).normal(size=64))
    return unit(hidden - hidden.mean(axis=0))


def unit(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
