"""`asterism export` writes files of other tools."""

from __future__ import annotations

from pathlib import Path

import typer
from astropy.table import Table
from typer.testing import CliRunner

from asterism.catalogs.catalog import Catalog
from asterism.cli.export import command
from asterism.errors import BadInputError, ConfigurationError

app = typer.Typer()
app.command()(command)


def test_columns_and_rows_are_chosen(tmp_path: Path, tiny_sky: Catalog) -> None:
    file = tmp_path / "out.fits"
    arguments = [str(tiny_sky.path), str(file), "--columns", "object_id, redshift", "--where", "redshift > 1"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    table = Table.read(file)
    assert table.colnames == ["object_id", "redshift"]
    assert f"{len(table)} rows, 2 columns" in done.output
    assert min(table["redshift"]) > 1


def test_what_is_left_out_is_said_and_quiet_is_quiet(tmp_path: Path, tiny_sky: Catalog) -> None:
    done = CliRunner().invoke(app, [str(tiny_sky.path), str(tmp_path / "out.csv")])
    assert "left out, too long for a text file: image_sdss_flux, image_sdss_ivar" in done.output
    again = CliRunner().invoke(app, [str(tiny_sky.path), str(tmp_path / "out.csv"), "--overwrite", "--quiet"])
    assert (again.exit_code, again.output) == (0, "")


def test_an_unknown_format_is_refused(tmp_path: Path, tiny_sky: Catalog) -> None:
    done = CliRunner().invoke(app, [str(tiny_sky.path), str(tmp_path / "out.doc")])
    assert isinstance(done.exception, ConfigurationError)
    assert not (tmp_path / "out.doc").exists()


def test_densities_are_asked_of_a_catalog_that_has_them(tmp_path: Path, tiny_sky: Catalog) -> None:
    done = CliRunner().invoke(app, [str(tiny_sky.path), str(tmp_path / "p.hdf5"), "--qp"])
    assert isinstance(done.exception, BadInputError)
    both = CliRunner().invoke(app, [str(tiny_sky.path), str(tmp_path / "p.hdf5"), "--qp", "--columns", "ra"])
    assert isinstance(both.exception, ConfigurationError)
