"""Damaged and hostile survey files: each is read, put in quarantine with a reason, or refused in one sentence.

    python benchmarks/hostile_files.py run --data DATA --work WORK [--survey sdss …] [--count 2000] [--seed 0]
    python benchmarks/hostile_files.py page --work WORK > docs/results/robustness.md

``DATA`` holds real files (spectra/sdss, spectra/lamost, spectra/desi, images); what there is no real file of comes from the
simulator. Every mutant is ingested beside a sound file, in a process of its own kind that is watched from outside: one that
ends, does not answer within 10 s, takes over 2 GB, raises what is no sentence, loses the sound file, or yields a NaN with a
positive inverse variance is a failure, and its file is kept in WORK/failures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

LONGEST, LARGEST = 10.0, 2.0  # seconds, GB
_BLOCK = 2880
_CARD = 80
_NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"7",
    b"32767",
    b"999999999",
    b"99999999999999",
    b"-2147483648",
    b"1E300",
    b"'text    '",
    b"T",
    b"nan",
    b"",
)
_KEYS = (
    b"NAXIS   ", b"NAXIS1  ", b"NAXIS2  ", b"BITPIX  ", b"PCOUNT  ", b"GCOUNT  ", b"TFIELDS ", b"TFORM1  ", b"TFORM2  ",
    b"TTYPE1  ", b"TTYPE2  ", b"TDIM1   ", b"THEAP   ", b"EXTNAME ", b"XTENSION", b"COEFF0  ", b"COEFF1  ", b"BSCALE  ",
    b"BZERO   ", b"CRVAL1  ", b"CD1_1   ", b"CTYPE1  ", b"EXTEN0  ", b"CLASS   ", b"Z       ", b"RA      ", b"DEC     ",
    b"PLATEID ", b"MJD     ", b"END     ", b"BANDS   ", b"SIMPLE  ",
)  # fmt: skip


# --- what is done to a file ---------------------------------------------------------------------------------------------


def _truncate(rng: np.random.Generator, body: bytes) -> bytes:
    return body[: int(rng.integers(0, len(body)))]


def _truncate_at_block(rng: np.random.Generator, body: bytes) -> bytes:
    return body[: _BLOCK * int(rng.integers(0, max(1, len(body) // _BLOCK)))]


def _flip(rng: np.random.Generator, body: bytes) -> bytes:
    changed = bytearray(body)
    for place in rng.integers(0, len(body), int(rng.choice([1, 4, 64, 1024]))):
        changed[place] = int(rng.integers(0, 256))
    return bytes(changed)


def _flip_head(rng: np.random.Generator, body: bytes) -> bytes:
    head = min(len(body), 4 * _BLOCK)
    return _flip(rng, body[:head]) + body[head:]


def _blank(rng: np.random.Generator, body: bytes) -> bytes:
    start = int(rng.integers(0, len(body)))
    size = int(rng.choice([8, 80, _BLOCK, 10 * _BLOCK]))
    fill = bytes([int(rng.choice([0, 255, 32]))])
    return body[:start] + fill * len(body[start : start + size]) + body[start + size :]


def _cut_out(rng: np.random.Generator, body: bytes) -> bytes:
    blocks = max(2, len(body) // _BLOCK)
    start = int(rng.integers(0, blocks))
    stop = start + int(rng.integers(1, 4))
    return body[: start * _BLOCK] + body[stop * _BLOCK :]


def _repeat(rng: np.random.Generator, body: bytes) -> bytes:
    blocks = max(2, len(body) // _BLOCK)
    start = int(rng.integers(0, blocks)) * _BLOCK
    return body[:start] + body[start : start + _BLOCK] * int(rng.integers(2, 5)) + body[start + _BLOCK :]


def _swap(rng: np.random.Generator, body: bytes) -> bytes:
    blocks = [body[k : k + _BLOCK] for k in range(0, len(body), _BLOCK)]
    i, j = rng.integers(0, len(blocks), 2)
    blocks[i], blocks[j] = blocks[j], blocks[i]
    return b"".join(blocks)


def _card(rng: np.random.Generator, body: bytes) -> bytes:
    """Another value for a keyword, wherever it stands; most damage that a reader believes is of this kind."""
    there = [key for key in _KEYS if key in body]
    if not there:
        return _flip(rng, body)
    key = there[int(rng.integers(0, len(there)))]
    places = [k for k in _find_all(body, key) if k % _CARD == 0]
    if not places:
        return _flip(rng, body)
    place = places[int(rng.integers(0, len(places)))]
    value = _NUMBERS[int(rng.integers(0, len(_NUMBERS)))]
    card = key + b"= " + (value.rjust(20) if not value.startswith(b"'") else value)
    return body[:place] + card.ljust(_CARD)[:_CARD] + body[place + _CARD :]


def _find_all(body: bytes, key: bytes) -> Iterator[int]:
    place = body.find(key)
    while place >= 0:
        yield place
        place = body.find(key, place + 1)


def _strange_numbers(rng: np.random.Generator, body: bytes) -> bytes:
    """NaN, infinities and extremes where the data are."""
    changed = bytearray(body)
    words = (
        b"\x7f\xc0\x00\x00",
        b"\x7f\x80\x00\x00",
        b"\xff\x80\x00\x00",
        b"\x7f\x7f\xff\xff",
        b"\x80\x00\x00\x00",
        b"\x00\x00\x00\x01",
    )
    start = min(2 * _BLOCK, len(body) // 2)
    for place in rng.integers(start // 4, max(len(body) // 4, start // 4 + 1), int(rng.choice([1, 16, 512]))):
        changed[4 * place : 4 * place + 4] = words[int(rng.integers(0, len(words)))]
    return bytes(changed[: len(body)])


def _another_kind(rng: np.random.Generator, body: bytes) -> bytes:
    return (
        b"", b"\0" * 5000, b"not a FITS file\n" * 50, b"\x89PNG\r\n\x1a\n" + body[:3000], b"<html>404</html>", body[1:],
        rng.bytes(4000), b"SIMPLE  =                    T" + b" " * 50, b"PAR1" + body[:1000], b"\x89HDF\r\n\x1a\n" + body[:1000],
    )[int(rng.integers(0, 10))]  # fmt: skip


def _packed(rng: np.random.Generator, body: bytes) -> bytes:
    packed = gzip.compress(body, 1)
    return (packed, _truncate(rng, packed), _flip(rng, packed), gzip.compress(b"\0" * (200 << 20), 1))[
        int(rng.integers(0, 4))
    ]


MUTATIONS: dict[str, tuple[Callable[[np.random.Generator, bytes], bytes], float]] = {
    "ends anywhere": (_truncate, 1.5),
    "ends at a block": (_truncate_at_block, 1.0),
    "bytes changed": (_flip, 2.0),
    "bytes changed in the headers": (_flip_head, 2.0),
    "bytes blanked": (_blank, 1.0),
    "blocks cut out": (_cut_out, 1.0),
    "blocks repeated": (_repeat, 1.0),
    "blocks exchanged": (_swap, 1.0),
    "a keyword with another value": (_card, 5.0),
    "NaN, infinities, extremes": (_strange_numbers, 2.0),
    "not such a file": (_another_kind, 0.7),
    "packed, or badly packed": (_packed, 0.3),
}
"""What is done, and how often."""


# --- what it is done to -------------------------------------------------------------------------------------------------


@dataclass
class Survey:
    """Sound files of a survey: each is mutated beside `companion` files that stay as they are."""

    name: str
    samples: list[Path]
    sound: Path
    ingest: Callable[[list[Path], Path], Any]
    beside: dict[Path, list[Path]] = field(default_factory=dict)


def _door(name: str) -> Callable[[list[Path], Path], Any]:
    def ingest(paths: list[Path], out: Path) -> Any:
        from asterism.surveys.doors import ingest_files

        return ingest_files(_doors()[name], paths, out, workers=1)

    return ingest


def _doors() -> dict[str, Any]:
    from asterism.surveys.desi import DesiDoor
    from asterism.surveys.lamost import LamostDoor
    from asterism.surveys.legacy import LegacyDoor
    from asterism.surveys.mmu import MmuDoor
    from asterism.surveys.sdss import SdssDoor

    return {"sdss": SdssDoor(), "lamost": LamostDoor(), "desi": DesiDoor(), "legacy": LegacyDoor(), "mmu": MmuDoor()}


def surveys(data: Path, work: Path) -> dict[str, Survey]:
    """What there is to damage."""
    spectra = data / "spectra"
    plates = sorted((spectra / "sdss/picca_boss").rglob("*.fits*"))
    full = sorted((spectra / "sdss/full_spec").glob("*.fits*"))
    lamost = sorted((spectra / "lamost").rglob("*.fits*"))
    small = [
        path
        for path in [*plates[:4], *full, *sorted((spectra / "sdss/gsiemon").rglob("*.fits"))[:2]]
        if path.stat().st_size < 4 << 20
    ]
    found = {
        "sdss": Survey("sdss", small, plates[-1], _door("sdss")),
        "lamost": Survey("lamost", [*lamost[:3], *lamost[-12::3]], lamost[60], _door("lamost")),
    }
    pairs = {}
    for coadd in sorted((spectra / "desi").rglob("coadd-*.fits*")):
        others = [
            o for kind in ("redrock-", "zbest-") if (o := coadd.with_name(coadd.name.replace("coadd-", kind))).exists()
        ]
        if others and coadd.stat().st_size < 6 << 20:
            pairs[coadd] = others
            pairs[others[0]] = [coadd]
    sound = next(path for path in pairs if path.name.startswith("coadd-"))
    found["desi"] = Survey("desi", list(pairs), sound, _door("desi"), pairs)
    cutouts = simulated_cutouts(work)
    found["legacy"] = Survey("legacy", cutouts[:3], cutouts[-1], _door("legacy"))
    rows = nested_rows(work)
    found["mmu"] = Survey("mmu", rows[:3], rows[-1], _door("mmu"))
    stamps = sorted((spectra / "sdss/hips").glob("stamp-r-*.fits*"))
    if stamps:
        found["images"] = Survey("images", stamps[:4], stamps[-1], _images(work))
    return found


def simulated_cutouts(work: Path) -> list[Path]:
    """Cutouts of the Legacy Surveys as the simulator writes them."""
    from asterism.simulate.sky import simulate_files

    folder = work / "legacy-files"
    simulate_files(8, folder, survey="desi-main", seed=0, modalities=("photometry", "image"), workers=1)
    return sorted(folder.rglob("cutout_*.fits"))


def nested_rows(work: Path) -> list[Path]:
    """Rows as the Multimodal Universe has them: Parquet with a nested spectrum, from simulated objects."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from asterism.simulate.sky import simulate
    from asterism.surveys.formats.spectral_grids import grid_named

    folder = work / "mmu-files"
    if not folder.exists():
        sky = simulate(
            16, work / "mmu-sky", survey="desi-main", seed=0, modalities=("photometry", "spectrum"), workers=1
        )
        rows = sky.read(
            ["object_id", "ra", "dec", "class", "redshift", "spectrum_desi_flux", "spectrum_desi_ivar"]
        ).to_pylist()
        wavelength = grid_named("desi").wavelength.tolist()
        folder.mkdir(parents=True)
        for k in range(4):
            table = [
                {
                    "object_id": row["object_id"], "ra": row["ra"], "dec": row["dec"], "Z": row["redshift"],
                    "SPECTYPE": row["class"],
                    "spectrum": {
                        "flux": row["spectrum_desi_flux"], "ivar": row["spectrum_desi_ivar"], "lambda": wavelength,
                        "mask": [weight == 0 for weight in row["spectrum_desi_ivar"]],
                    },
                }
                for row in rows[4 * k : 4 * k + 4]
            ]  # fmt: skip
            pq.write_table(pa.Table.from_pylist(table), folder / f"rows-{k}.parquet")
    return sorted(folder.glob("*.parquet"))


def _images(work: Path) -> Callable[[list[Path], Path], Any]:
    def ingest(paths: list[Path], out: Path) -> Any:
        from asterism.surveys.images import ingest_images

        return ingest_images(paths, work / "stars", out, bands=("r",), size=51, radius=20.0, unit="nanomaggy")

    return ingest


def stars_catalog(data: Path, work: Path) -> None:
    """A catalog of the real stars that the stamps belong to."""
    from asterism.surveys.doors import ingest_files

    ingest_files(_doors()["sdss"], [data / "spectra/sdss/hips"], work / "stars", workers=1)


# --- one mutant after another, watched from outside ---------------------------------------------------------------------


def _child(pipe: Any, data: Path, work: Path, name: str) -> None:
    """Ingest what comes through the pipe until it closes."""
    import warnings

    warnings.simplefilter("ignore")
    survey = surveys(data, work)[name]
    while True:
        try:
            paths, out = pipe.recv()
        except EOFError:
            return
        pipe.send(_outcome(survey, paths, out))


def _outcome(survey: Survey, paths: list[Path], out: Path) -> dict[str, Any]:
    from asterism.errors import AsterismError

    start = time.perf_counter()
    try:
        made = survey.ingest(paths, out)
        lines = [line for line in made.quarantine().to_pylist() if line["file"] == paths[0].name]
        result = "quarantined" if lines else "read"
        fault = _fault(made, [line["reason"] for line in lines])
    except AsterismError as error:
        result, fault = "refused", _bad_sentence(str(error))
    except BaseException:
        result, fault = "failure", traceback.format_exc()
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    if seconds > LONGEST:
        fault = fault or f"took {seconds:.0f} s"
    if memory > LARGEST:
        fault = fault or f"took {memory:.1f} GB"
    return {"result": "failure" if fault else result, "fault": fault, "seconds": seconds, "memory": memory}


def _bad_sentence(text: str) -> str:
    return "" if text and "\n" not in text and len(text) < 1000 else f"not one sentence: {text[:300]!r}"


def _fault(made: Any, reasons: list[str]) -> str:
    for reason in reasons:
        if bad := _bad_sentence(reason):
            return bad
    if len(made) < 1:
        return "the sound file was lost"
    table = made.read()
    for column in table.column_names:
        other = column.removesuffix("_ivar") + "_flux"
        if not column.endswith("_ivar") or other not in table.column_names:
            continue
        pairs = zip(table[column].to_pylist(), table[other].to_pylist(), strict=True)
        for weights, values in pairs:
            if weights is None or values is None:
                continue
            w, v = np.array(weights, float), np.array(values, float)
            if len(w) != len(v):
                v = v.reshape(len(w), -1).sum(axis=1) if np.isfinite(v).all() else np.zeros(len(w))
            if not np.isfinite(w).all() or (w < 0).any() or (~np.isfinite(v) & (w > 0)).any():
                return (
                    f"{column} has an inverse variance that is no number, negative, or positive where the flux is NaN"
                )
    return ""


class Watched:
    """A process that ingests, and is replaced when it ends or hangs."""

    def __init__(self, data: Path, work: Path, name: str) -> None:
        self._arguments = (data, work, name)
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_child, args=(other, *self._arguments), daemon=True)
        self._process.start()
        other.close()

    def ask(self, paths: list[Path], out: Path, patience: float) -> dict[str, Any]:
        self._pipe.send((paths, out))
        if self._pipe.poll(patience):
            try:
                return dict(self._pipe.recv())
            except EOFError:
                fault = f"the process ended ({self._process.exitcode})"
        else:
            fault = f"no answer within {patience:.0f} s"
        self.close()
        self._start()
        return {"result": "failure", "fault": fault, "seconds": patience, "memory": 0.0}

    def close(self) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join()


def run(data: Path, work: Path, names: list[str], count: int, seed: int) -> int:
    """Damage and ingest; the number of failures."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "stars").exists():
        stars_catalog(data, work)
    failures = 0
    for name, survey in surveys(data, work).items():
        if names and name not in names:
            continue
        rng = np.random.default_rng([seed, *name.encode()])
        kinds = list(MUTATIONS)
        weights = np.array([MUTATIONS[kind][1] for kind in kinds])
        watched = Watched(data, work, name)
        results: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
        slowest = largest = 0.0
        started = time.perf_counter()
        # The first answer waits for imports too.
        patience = 120.0
        with tempfile.TemporaryDirectory() as scratch:
            for k in range(count):
                sample = survey.samples[int(rng.integers(0, len(survey.samples)))]
                kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
                body = sample.read_bytes()
                body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
                folder = Path(scratch, "in")
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                mutant = folder / sample.name.removesuffix(".gz")
                mutant.write_bytes(MUTATIONS[kind][0](rng, body))
                beside = [shutil.copy(path, folder) for path in survey.beside.get(sample, [])]
                out = Path(scratch, "out")
                for old in (out, out.with_name("out.partial")):
                    shutil.rmtree(old, ignore_errors=True)
                answer = watched.ask([mutant, *map(Path, beside), survey.sound], out, patience)
                patience = LONGEST + 5.0
                if k == 0:
                    answer["seconds"] = 0.0
                results[kind][answer["result"]] += 1
                slowest, largest = max(slowest, answer["seconds"]), max(largest, answer["memory"])
                if answer["result"] == "failure":
                    failures += 1
                    kept = work / "failures" / f"{name}-{seed}-{k}-{mutant.name}"
                    kept.parent.mkdir(exist_ok=True)
                    shutil.copy(mutant, kept)
                    print(f"{name} {k} {kind}: {answer['fault']} ({kept})", file=sys.stderr)
                if (k + 1) % 100 == 0:
                    print(f"{name}: {k + 1} of {count}, {time.perf_counter() - started:.0f} s", file=sys.stderr)
        watched.close()
        told = {
            "survey": name, "count": count, "seed": seed, "samples": len(survey.samples), "slowest": slowest,
            "memory": largest, "results": {kind: dict(counts) for kind, counts in results.items()},
        }  # fmt: skip
        (work / f"{name}.json").write_text(json.dumps(told, indent=1))
        total = sum(results.values(), Counter())
        print(f"{name}: " + ", ".join(f"{total[r]} {r}" for r in ("read", "quarantined", "refused", "failure")))
    return failures


def page(work: Path) -> str:
    """The results as Markdown."""
    told = [json.loads(path.read_text()) for path in sorted(work.glob("*.json"))]
    columns = ("read", "quarantined", "refused", "failure")
    lines = [
        "| files | damaged | sound samples | read | quarantined | refused | failures | slowest | memory |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in told:
        total: Counter[str] = sum(map(Counter, one["results"].values()), Counter())
        cells = " | ".join(f"{total[c]:,}" for c in columns)
        lines.append(
            f"| {one['survey']} | {one['count']:,} | {one['samples']} | {cells} | {one['slowest']:.1f} s | {one['memory']:.2f} GB |"
        )
    lines += [
        "",
        "By what was done, all surveys:",
        "",
        "| | read | quarantined | refused | failures |",
        "|---|---|---|---|---|",
    ]
    for kind in MUTATIONS:
        counts: Counter[str] = sum((Counter(one["results"][kind]) for one in told), Counter())
        lines.append(f"| {kind} | " + " | ".join(f"{counts[c]:,}" for c in columns) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("run", "page"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ASTERISM_DATA", "data")))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--survey", nargs="*", default=[])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.verb == "page":
        print(page(options.work))
        return
    sys.exit(1 if run(options.data, options.work, options.survey, options.count, options.seed) else 0)


if __name__ == "__main__":
    main()
