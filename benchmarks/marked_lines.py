"""A galaxy, a quasar and a star of each survey as `asterism inspect` draws their spectra, from real files.

    python benchmarks/marked_lines.py DATA [--out docs/images/marked-lines.png]

DATA holds spectra/sdss, spectra/desi and spectra/lamost. Of each survey's files the class's spectrum with the most signal is
drawn (LAMOST's have no quasar), with lines where the survey's own redshift puts them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.objects import find_object, object_values
from asterism.explore.portrait import describe_object, draw_spectrum
from asterism.surveys.desi import DesiDoor
from asterism.surveys.doors import ingest_files
from asterism.surveys.lamost import LamostDoor
from asterism.surveys.sdss import SdssDoor

CLASSES = ("GALAXY", "QSO", "STAR")


def best(catalog: Catalog, group: str, kind: str) -> str | None:
    """The object of a class whose label is clean and whose median signal to noise is largest."""
    table = catalog.read(["object_id", "class", "label_warning", "redshift", f"{group}_flux", f"{group}_ivar"])
    found: tuple[float, str] | None = None
    for row in table.to_pylist():
        if row["class"] != kind or row["label_warning"] or row["redshift"] is None:
            continue
        flux, ivar = (np.array(row[f"{group}_{q}"], float) for q in ("flux", "ivar"))
        seen = ivar > 0
        signal = float(np.median(flux[seen] * np.sqrt(ivar[seen]))) if seen.any() else 0.0
        # Galaxies with lines: as much power in narrow features as in the noise.
        if found is None or signal > found[0]:
            found = (signal, row["object_id"])
    return found[1] if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images/marked-lines.png"))
    options = parser.parse_args()
    spectra = options.data / "spectra"
    with tempfile.TemporaryDirectory() as work:
        catalogs = {
            "spectrum_sdss": ingest_files(SdssDoor(), [spectra / "sdss"], Path(work, "sdss")),
            "spectrum_desi": ingest_files(DesiDoor(), [spectra / "desi"], Path(work, "desi")),
            "spectrum_lamost": ingest_files(LamostDoor(), [spectra / "lamost"], Path(work, "lamost")),
        }
        shown = [(group, name) for group, c in catalogs.items() for kind in CLASSES if (name := best(c, group, kind))]
        figure = Figure(figsize=(11.0, 2.3 * len(shown)), layout="constrained")
        for axes, (group, name) in zip(figure.subplots(len(shown), 1), shown, strict=True):
            catalog = catalogs[group]
            values = object_values(find_object(catalog, name))
            draw_spectrum(axes, values, catalog.groups[group])
            axes.set_title(describe_object(values), fontsize=8, loc="left")
        figure.savefig(options.out, dpi=75, facecolor="white")


if __name__ == "__main__":
    main()
