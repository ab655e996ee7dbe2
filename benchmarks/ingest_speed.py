"""Files ingested per second beside a plain loop of astropy calls, in one run; and the memory of 100,000 small objects.

    python benchmarks/ingest_speed.py speed --data DATA --work WORK [--files 400]
    python benchmarks/ingest_speed.py cores --data DATA --work WORK [--files 400]
    python benchmarks/ingest_speed.py memory --work WORK [--objects 100000]

``speed``: each real file is copied until there are enough, under names of other plates, fibres or targets. The plain loop
opens each file with astropy and reads flux, wavelength, inverse variance, class and redshift into memory, and nothing else: no
checks, no catalog; of DESI's coadds it joins the three arms of each target. Ours runs to the finished catalog on disk. Runs
alternate, and the ratio is of the medians. "And kept" is the plain loop with its fluxes and inverse variances written to one
Parquet file with the same compression. ``cores``: BOSS spectra on one core and on all, ten times as many.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits


def plain_sdss(path: Path) -> Any:
    with fits.open(path) as hdus:
        data, row = hdus[1].data, hdus[2].data
        return (
            np.array(data["flux"]), 10.0 ** np.array(data["loglam"]), np.array(data["ivar"]), str(row["CLASS"][0]),
            float(row["Z"][0]),
        )  # fmt: skip


def plain_lamost(path: Path) -> Any:
    with fits.open(path) as hdus:
        image, header = np.array(hdus[0].data), hdus[0].header
        wavelength = 10.0 ** (header["COEFF0"] + header["COEFF1"] * np.arange(image.shape[1]))
        return image[0], wavelength, image[1], header["CLASS"], header["Z"]


def plain_desi(path: Path) -> Any:
    """Spectra of the three arms joined by inverse variance, one target after the other, and redrock's answers."""
    with fits.open(path) as hdus:
        arms = [[np.array(hdus[f"{arm}_{what}"].data) for what in ("WAVELENGTH", "FLUX", "IVAR")] for arm in "BRZ"]
        ids = np.array(hdus["FIBERMAP"].data["TARGETID"])
    with fits.open(path.with_name(path.name.replace("coadd-", "redrock-"))) as hdus:
        table = hdus["REDSHIFTS"].data
        labels = {int(row["TARGETID"]): (str(row["SPECTYPE"]), float(row["Z"])) for row in table}
    spectra = []
    for k, target in enumerate(ids):
        weight, light = np.zeros(7781), np.zeros(7781)
        for wavelength, flux, ivar in arms:
            pixel = np.rint((wavelength - 3600.0) / 0.8).astype(int)
            weight[pixel] += ivar[k]
            light[pixel] += ivar[k] * flux[k]
        joined = np.divide(light, weight, out=np.full(7781, np.nan), where=weight > 0)
        spectra.append((target, joined, weight, *labels[int(target)]))
    return spectra


def plain_cutout(path: Path) -> Any:
    with fits.open(path) as hdus:
        return np.array(hdus[0].data), np.array(hdus[1].data), hdus[0].header["CRVAL1"], hdus[0].header["CRVAL2"]


def copies(paths: list[Path], folder: Path, count: int, rename: Callable[[Path, Path, int], None]) -> None:
    """Copy files, each under a name and number of its own, until there are enough."""
    folder.mkdir(parents=True)
    for k in range(count):
        rename(paths[k % len(paths)], folder, k)


@cache
def _fibre_place(path: Path) -> int:
    """Where FIBERID stands in a file."""
    with fits.open(path) as hdus:
        names = {name.upper(): name for name in hdus[2].columns.names}
        return int(hdus[2].fileinfo()["datLoc"] + hdus[2].data.dtype.fields[names["FIBERID"]][1])


def copy_sdss(path: Path, folder: Path, k: int) -> None:
    body = bytearray(path.read_bytes())
    place = _fibre_place(path)
    body[place : place + 4] = np.array([k + 1], ">i4").tobytes()
    (folder / f"spec-1000-55000-{k + 1:05d}.fits").write_bytes(bytes(body))


def copy_lamost(path: Path, folder: Path, k: int) -> None:
    name = folder / f"spec-58575-COPY{k // 250:04d}_sp01-{k % 250 + 1:03d}.fits"
    shutil.copy(path, name)
    with fits.open(name, mode="update") as hdus:
        header = hdus[0].header
        header["PLANID"], header["SPID"], header["FIBERID"] = f"COPY{k // 250:04d}", 1, k % 250 + 1
        header["OBSID"] = 10_000_000 + k


def copy_same(path: Path, folder: Path, k: int) -> None:
    with fits.open(path) as hdus:
        for hdu in hdus:
            hdu.header["CRVAL1"] = (hdu.header["CRVAL1"] + 0.01 * k) % 360.0
        hdus.writeto(folder / f"cutout_{hdus[0].header['CRVAL1']:.4f}_{hdus[0].header['CRVAL2']:.4f}.fits")


def keep(read: list[Any], out: Path) -> None:
    """Fluxes and inverse variances (the largest arrays of what was read) in one file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [one for item in read for one in (item if isinstance(item, list) else [item])]
    arrays = [sorted((a for a in row if isinstance(a, np.ndarray)), key=lambda a: -a.size)[:2] for row in rows]
    columns = [
        pa.array([np.asarray(pair[k], "f4").reshape(-1) for pair in arrays], pa.list_(pa.float32())) for k in (0, 1)
    ]
    pq.write_table(pa.table(columns, names=["flux", "ivar"]), out, compression="zstd", use_dictionary=False)


def compare(
    name: str, folder: Path, pattern: str, plain: Callable[[Path], Any], door: Any, work: Path, rounds: int
) -> None:
    """Time both, in turn."""
    from asterism.surveys.doors import ingest_files

    files = sorted(folder.glob(pattern))
    times: dict[str, list[float]] = {"plain": [], "kept": [], "ours": []}
    rows = 0
    for _ in range(rounds):
        start = time.perf_counter()
        for path in files:
            plain(path)  # what is read is let go of at once
        times["plain"].append(time.perf_counter() - start)
        start = time.perf_counter()
        keep([plain(path) for path in files], work / "kept.parquet")
        times["kept"].append(time.perf_counter() - start)
        shutil.rmtree(work / "out", ignore_errors=True)
        start = time.perf_counter()
        rows = len(ingest_files(door, [folder], work / "out", workers=1))
        times["ours"].append(time.perf_counter() - start)
    middle = {key: statistics.median(values) for key, values in times.items()}
    rates = {key: rows / value for key, value in middle.items()}
    print(
        f"| {name} | {len(files):,} files, {rows:,} rows | {rates['plain']:.0f}/s | {rates['kept']:.0f}/s | {rates['ours']:.0f}/s | "
        f"{middle['plain'] / middle['ours']:.2f} | {middle['kept'] / middle['ours']:.2f} |",
        flush=True,
    )


def scaling(data: Path, work: Path, count: int) -> None:
    """Ours on one core and on all."""
    from asterism.surveys.doors import ingest_files
    from asterism.surveys.sdss import SdssDoor

    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    copies(sorted((data / "spectra/sdss/picca_boss").rglob("*.fits")), work / "many", count, copy_sdss)
    cores, times = len(os.sched_getaffinity(0)), []
    for workers in (1, cores):
        start = time.perf_counter()
        rows = len(ingest_files(SdssDoor(), [work / "many"], work / f"out{workers}", workers=workers))
        times.append(time.perf_counter() - start)
    print(
        f"{rows:,} BOSS spectra: {rows / times[0]:.0f}/s on one core, {rows / times[1]:.0f}/s on {cores}: {times[0] / times[1]:.2f} times"
    )


def speed(data: Path, work: Path, count: int, rounds: int) -> None:
    from asterism.simulate.sky import simulate_files
    from asterism.surveys.desi import DesiDoor
    from asterism.surveys.lamost import LamostDoor
    from asterism.surveys.legacy import LegacyDoor
    from asterism.surveys.sdss import SdssDoor

    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    spectra = data / "spectra"
    boss = sorted((spectra / "sdss/picca_boss").rglob("*.fits"))
    copies(boss, work / "sdss", count, copy_sdss)
    copies(sorted((spectra / "lamost/lamost_sbc").glob("*.fits")), work / "lamost", count, copy_lamost)
    simulate_files(1024, work / "desi", survey="desi-main", seed=0, modalities=("photometry", "image", "spectrum"))
    cutouts = sorted((work / "desi").rglob("cutout_*.fits"))
    copies(cutouts, work / "legacy", count, copy_same)
    coadds = work / "coadds"
    coadds.mkdir()
    for path in sorted((work / "desi").rglob("*.fits")):
        if path.name.startswith(("coadd-", "redrock-")):
            shutil.copy(path, coadds)
    print(
        "| files | | plain loop | and kept | ours | ours over plain | ours over kept |\n|---|---|---|---|---|---|---|"
    )
    compare("BOSS spectra", work / "sdss", "*.fits", plain_sdss, SdssDoor(), work, rounds)
    compare("LAMOST spectra", work / "lamost", "*.fits", plain_lamost, LamostDoor(), work, rounds)
    compare("DESI coadds", coadds, "coadd-*.fits", plain_desi, DesiDoor(), work, rounds)
    compare("Legacy cutouts", work / "legacy", "*.fits", plain_cutout, LegacyDoor(), work, rounds)


def memory(work: Path, objects: int) -> None:
    """Ingest many small LAMOST spectra and tell the largest memory of all processes."""
    from asterism.surveys.formats.lamost_spectra import write_spectrum

    folder = work / "many"
    if not folder.exists():
        rng = np.random.default_rng(0)
        flux, ivar = rng.normal(10, 1, 3909).astype(np.float32), np.ones(3909, np.float32)
        mask = np.zeros(3909, np.int32)
        for k in range(objects):
            plan = f"MANY{k // 4000:04d}"
            cards = {
                "OBSID": k, "LMJD": 58575, "MJD": 58574, "PLANID": plan, "SPID": k // 250 % 16 + 1, "FIBERID": k % 250 + 1,
                "RA": float(k % 3600) / 10.0, "DEC": float(k // 3600), "CLASS": "STAR", "SUBCLASS": "G2", "Z": 0.0,
            }  # fmt: skip
            write_spectrum(folder / plan, flux, ivar, mask, cards)
    script = (
        "import sys, resource, pathlib; from asterism.surveys.doors import ingest_files; "
        "from asterism.surveys.lamost import LamostDoor; "
        "made = ingest_files(LamostDoor(), [sys.argv[1]], sys.argv[2], overwrite=True); "
        "own, others = (resource.getrusage(w).ru_maxrss / 2**20 for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)); "
        "print(f'{len(made):,} objects; largest memory {own:.2f} GB of the main process, {others:.2f} GB of a worker')"
    )
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "if __name__ == '__main__':\n    " + script, str(folder), str(work / "many-out")],
        check=True,
    )
    print(
        f"{time.perf_counter() - start:.0f} s; this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("speed", "cores", "memory"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ASTERISM_DATA", "data")))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=100_000)
    options = parser.parse_args()
    if options.part == "speed":
        speed(options.data, options.work, options.files, options.rounds)
    elif options.part == "cores":
        scaling(options.data, options.work, 10 * options.files)
    else:
        options.work.mkdir(parents=True, exist_ok=True)
        memory(options.work, options.objects)


if __name__ == "__main__":
    main()
