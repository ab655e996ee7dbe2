"""Search in an embedding: exact and approximate indices, with and without a filter; time, recall, building, disk.

    python benchmarks/search_index.py [--sizes 20000 200000 1000000] [--length 128] [-k 20] [--queries 20] [--rounds 3]

Vectors are of unit length on a curved surface of 12 dimensions with noise, which is about what a trained embedding is like;
even noise, where no index but the exact helps, would flatter nobody. Queries are vectors of the same kind that are not in the
index, asked one by one, as `asterism search` does. The filter keeps one row in a hundred, drawn at random. Times are medians
over queries and rounds, the methods taking turns within a round; one thread each. Recall is the share of the true k nearest
that are found. LanceDB (a development dependency of nothing here: `pip install lancedb`) is left out where it is not installed.
Prints Markdown.
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

Search = Callable[[np.ndarray, int, "np.ndarray | None"], np.ndarray]
"""(query (E,), k, rows that count or None) -> rows (k,)."""

REFERENCE = "FAISS, exact"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 200_000, 1_000_000])
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("-k", type=int, default=20)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--approximate-largest", type=int, default=200_000, help="approximate indices take long to build beyond this"
    )
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(1)
    print(f"`python benchmarks/search_index.py {' '.join(sys.argv[1:])}`".replace(" `", "`"), end="\n\n")
    print(f"{platform.machine()}, one thread, FAISS {faiss.__version__}, k = {arguments.k}, E = {arguments.length}.\n")
    for n in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            print(page(n, measure(n, arguments, Path(folder))), flush=True)


def vectors(n: int, length: int, seed: int) -> np.ndarray:
    """Unit vectors (n, length) on a curved surface of 12 dimensions, the same surface for every seed."""
    surface = np.random.default_rng(7)
    first, second = surface.normal(size=(12, 256)) * 0.7, surface.normal(size=(256, length)) / 16
    rng = np.random.default_rng(seed)
    values = np.empty((n, length), np.float32)
    for start in range(0, n, 50_000):
        stop = min(n, start + 50_000)
        bent = np.sin(rng.normal(size=(stop - start, 12)) @ first + np.arange(256))
        values[start:stop] = bent @ second + 0.05 * rng.normal(size=(stop - start, length))
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def by_numpy(values: np.ndarray, _: Path) -> tuple[Search, int]:
    def search(query: np.ndarray, k: int, rows: np.ndarray | None) -> np.ndarray:
        similar = (values if rows is None else values[rows]) @ query
        found = np.argpartition(-similar, k)[:k]
        found = found[np.argsort(-similar[found])]
        return found if rows is None else rows[found]

    return search, values.nbytes


def by_torch(values: np.ndarray, _: Path) -> tuple[Search, int]:
    import torch

    torch.set_num_threads(1)
    tensor = torch.from_numpy(values)

    def search(query: np.ndarray, k: int, rows: np.ndarray | None) -> np.ndarray:
        similar = (tensor if rows is None else tensor[torch.from_numpy(rows)]) @ torch.from_numpy(query)
        found = similar.topk(k).indices.numpy()
        return found if rows is None else rows[found]

    return search, values.nbytes


def by_faiss(values: np.ndarray, _: Path) -> tuple[Search, int]:
    def search(query: np.ndarray, k: int, rows: np.ndarray | None) -> np.ndarray:
        among = values if rows is None else values[rows]
        found = faiss.knn(query[None], among, k, metric=faiss.METRIC_INNER_PRODUCT)[1][0]
        return found if rows is None else rows[found]

    return search, values.nbytes


def by_hnsw(values: np.ndarray, folder: Path) -> tuple[Search, int]:
    index = faiss.IndexHNSWFlat(values.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.add(values)
    index.hnsw.efSearch = 64
    faiss.write_index(index, str(folder / "hnsw"))

    def search(query: np.ndarray, k: int, rows: np.ndarray | None) -> np.ndarray:
        if rows is None:
            return index.search(query[None], k)[1][0]
        chosen = faiss.SearchParametersHNSW(sel=faiss.IDSelectorBatch(rows), efSearch=64)
        return index.search(query[None], k, params=chosen)[1][0]

    return search, (folder / "hnsw").stat().st_size


def by_lance(values: np.ndarray, folder: Path, approximate: bool) -> tuple[Search, int]:
    import lancedb
    import pyarrow as pa
    from lancedb.index import BTree, IvfHnswSq

    flat = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    table = lancedb.connect(str(folder)).create_table(
        "exact" if not approximate else "cells", pa.table({"vector": flat, "row": np.arange(len(values))})
    )
    if approximate:
        table.create_index("vector", config=IvfHnswSq(distance_type="cosine"))
    else:
        table.create_index("row", config=BTree())
    marked: dict[int, str] = {}

    def search(query: np.ndarray, k: int, rows: np.ndarray | None) -> np.ndarray:
        asked = table.search(query).distance_type("cosine").limit(k)
        if rows is not None:
            if id(rows) not in marked:
                marked[id(rows)] = f"row IN ({', '.join(map(str, rows))})"
            asked = asked.where(marked[id(rows)], prefilter=True)
        return asked.select(["row", "_distance"]).to_arrow()["row"].to_numpy()

    return search, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def measure(n: int, arguments: argparse.Namespace, folder: Path) -> dict[str, dict[str, Any]]:
    values, queries = vectors(n, arguments.length, 0), vectors(arguments.queries, arguments.length, 1)
    rows = np.sort(np.random.default_rng(2).choice(n, n // 100, replace=False))
    methods: dict[str, Callable[[np.ndarray, Path], tuple[Search, int]]] = {
        REFERENCE: by_faiss,
        "numpy, exact": by_numpy,
        "torch, exact": by_torch,
        "FAISS, HNSW": by_hnsw,
        "LanceDB, exact": lambda v, f: by_lance(v, f, False),
        "LanceDB, cells and graphs": lambda v, f: by_lance(v, f, True),
    }
    if n > arguments.approximate_largest:
        del methods["FAISS, HNSW"], methods["LanceDB, cells and graphs"]
    built: dict[str, Search] = {}
    results: dict[str, dict[str, Any]] = {}
    for number, (name, make) in enumerate(methods.items()):
        place = folder / str(number)
        place.mkdir()
        start = time.perf_counter()
        try:
            search, size = make(values, place)
        except ImportError as error:
            print(f"left out: {name} ({error})", file=sys.stderr)
            continue
        built[name] = search
        results[name] = {
            "build": time.perf_counter() - start,
            "bytes": size,
            "all": [],
            "some": [],
            "hits": [],
            "kept": [],
        }
    truth = {False: [], True: []}
    for query in queries:
        truth[False].append(set(built[REFERENCE](query, arguments.k, None)))
        truth[True].append(set(built[REFERENCE](query, arguments.k, rows)))
    for _ in range(arguments.rounds):
        for name, search in built.items():
            for filtered, key, hits in ((False, "all", "hits"), (True, "some", "kept")):
                for number, query in enumerate(queries):
                    start = time.perf_counter()
                    found = search(query, arguments.k, rows if filtered else None)
                    results[name][key].append(time.perf_counter() - start)
                    results[name][hits].append(len(truth[filtered][number] & set(found.tolist())) / arguments.k)
    return results


def page(n: int, results: dict[str, dict[str, Any]]) -> str:
    lines = [
        f"### {n:,} vectors\n",
        "| method | one query, ms | over FAISS exact | recall | with the filter, ms | recall | building, s | on disk, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    reference = statistics.median(results[REFERENCE]["all"])
    for name, r in results.items():
        one, some = statistics.median(r["all"]), statistics.median(r["some"])
        lines.append(
            f"| {name} | {1e3 * one:.2f} | {one / reference:.2f} | {np.mean(r['hits']):.3f} | {1e3 * some:.2f} | "
            f"{np.mean(r['kept']):.3f} | {r['build']:.1f} | {r['bytes'] / 1e6:.0f} |"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return "\n".join(lines) + f"\n\nPeak memory of the process so far {peak:.1f} GB.\n"


if __name__ == "__main__":
    main()
