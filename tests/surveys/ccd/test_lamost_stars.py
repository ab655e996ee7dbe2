"""The star catalogue: fibres find their objects, and a fibre can't be two."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from asterism.errors import BadInputError
from asterism.surveys.ccd.lamost_stars import fibres_of, read_star_catalogue, write_star_catalogue


def stars() -> Table:
    return Table(
        {
            "SPID": [3, 3, 4],
            "FIBERID": [5, 2, 2],
            "RA": [10.0, 20.0, 30.0],
            "DEC": [1.0, 2.0, 3.0],
            "FIBERTYPE": ["Obj  ", "Sky", "Obj"],
        }
    )


def lower(table: Table) -> Table:
    table.rename_columns(table.colnames, [name.lower() for name in table.colnames])
    return table


def test_written_and_read(tmp_path) -> None:
    path = write_star_catalogue(tmp_path / "stars.fits", lower(stars()))
    back = read_star_catalogue(path)
    assert back["fibertype"].tolist() == ["Obj", "Sky", "Obj"]
    assert fibres_of(back, 3, 6).tolist() == [-1, 1, -1, -1, 0, -1]


def test_csv_with_names_in_capitals(tmp_path) -> None:
    stars().write(tmp_path / "stars.csv")
    assert fibres_of(read_star_catalogue(tmp_path / "stars.csv"), 4, 2).tolist() == [-1, 2]


def test_refusals(tmp_path) -> None:
    table = lower(stars())
    with pytest.raises(BadInputError, match=r"no fibre of spectrograph 9 \(it has 3, 4\)"):
        fibres_of(table, 9, 6)
    with pytest.raises(BadInputError, match="fibres 2 to 5, but a slit has 1 to 4"):
        fibres_of(table, 3, 4)
    twice = table.copy()
    twice["fiberid"] = np.array([2, 2, 2])
    with pytest.raises(BadInputError, match="fibre 2 of spectrograph 3 is twice"):
        write_star_catalogue(tmp_path / "twice.fits", twice)
    table.remove_column("ra")
    with pytest.raises(BadInputError, match="column 'ra' lacks"):
        write_star_catalogue(tmp_path / "bare.fits", table)
    (tmp_path / "junk.fits").write_text("junk")
    with pytest.raises(BadInputError, match="can't read"):
        read_star_catalogue(tmp_path / "junk.fits")
