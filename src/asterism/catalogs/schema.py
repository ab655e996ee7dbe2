"""The columns of a catalog as Arrow fields: names, types, and metadata that say what the numbers mean.

Field metadata are UTF-8 strings: ``unit`` (what ``astropy.units.Unit`` parses once ``astropy.units.photometric`` is
enabled: ``nanomaggy``, ``nanomaggy-2``, ``mag``, ``arcsec``, ``deg``), ``ucd``, ``description``, and where they apply
``bands`` ("u,g,r,i,z"), ``shape`` ("5,32,32"), ``dereddened`` ("true", "false"), ``zero_point`` ("sdss", "ab"),
``magnitude_type``, ``ivar_source`` ("measured", "depth", "sky", "estimated", "mixed"), ``epoch`` (of positions: "J2015.5"),
``pixel_scale`` (arcsec), ``grid`` (of a spectrum: scale, first, step, pixels: "log10,3.54,0.0001,4800" or
"linear,3600,0.8,7781"; of ``z_pdf``: its redshifts as JSON), ``noise_steps`` and ``significant_bits`` (of rounded pixels,
see `asterism.catalogs.quantization`), ``medium`` ("vacuum"), ``frame``, ``calibration``
("absolute", "relative"), ``bits`` (of a mask: name=value), ``provenance``. Arrays are fixed-size lists, flattened in C
order, with their ``shape`` in the metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from asterism.catalogs.columns import (
    CLASSES,
    GROUP_KINDS,
    IDENTITY,
    LABELS,
    PER_BAND,
    PREDICTIONS,
    SCALAR,
    check_choice,
    check_survey,
    make_field,
    metadata_of,
)
from asterism.catalogs.groups import Group, groups
from asterism.catalogs.validate import check_names, validate
from asterism.errors import ConfigurationError, unknown_name

__all__ = [
    "CLASSES",
    "GROUP_KINDS",
    "IDENTITY",
    "LABELS",
    "Group",
    "check_names",
    "groups",
    "identity_fields",
    "image_fields",
    "label_fields",
    "make_field",
    "metadata_of",
    "photometry_fields",
    "prediction_fields",
    "truth_field",
    "validate",
]


def identity_fields(placed: bool) -> list[pa.Field]:
    """Fields of identity; a catalog without positions has no ra and dec."""
    return [column for column in IDENTITY if placed or column.name not in ("ra", "dec")]


def label_fields(names: Sequence[str] | None = None) -> list[pa.Field]:
    """Fields of labels, all of them or those named, in the order of `LABELS`.

    Raises
    ------
    ConfigurationError
        A name is no label.
    """
    known = {column.name for column in LABELS}
    for name in names or ():
        if name not in known:
            raise ConfigurationError(unknown_name("label", name, known))
    return [column for column in LABELS if names is None or column.name in names]


def photometry_fields(
    survey: str,
    bands: Sequence[str],
    quantities: Sequence[str] = ("flux", "ivar"),
    *,
    dereddened: bool,
    zero_point: str,
    magnitude_type: str = "unknown",
    ivar_source: str = "measured",
    provenance: str = "",
) -> list[pa.Field]:
    """Fields of a photometry group.

    Parameters
    ----------
    survey : str
        E.g. ``sdss``: columns are then ``photometry_sdss_flux`` and so on.
    bands : sequence of str
        Names of the bands, in the order of every list.
    quantities : sequence of str
        Lists over bands (float32): flux, ivar, extinction, psf_fwhm, radius, concentration, psf_minus_model; scalars:
        psf_probability (float32), flags (int64).
    dereddened : bool
        True where Galactic extinction has been taken out of the fluxes (observed fluxes are the rule).
    zero_point : {"sdss", "ab"}
        System in which magnitude 22.5 is one nanomaggy.
    magnitude_type : {"model", "psf", "petrosian", "aperture", "unknown"}
        What was measured.
    ivar_source : {"measured", "depth"}
        Whether the inverse variances are the table's or made from the survey's published depth.
    provenance : str
        Where the numbers come from.

    Returns
    -------
    list of pyarrow.Field

    Raises
    ------
    ConfigurationError
        An unknown quantity, or a value of metadata that does not exist.
    """
    check_survey(survey)
    check_choice("zero_point", zero_point, ("sdss", "ab"))
    check_choice("magnitude_type", magnitude_type, ("model", "psf", "petrosian", "aperture", "unknown"))
    check_choice("ivar_source", ivar_source, ("measured", "depth"))
    shared = {
        "bands": ",".join(bands),
        "dereddened": "true" if dereddened else "false",
        "zero_point": zero_point,
        "magnitude_type": magnitude_type,
        "ivar_source": ivar_source,
        "provenance": provenance,
    }
    fields = []
    for quantity in quantities:
        name = f"photometry_{survey}_{quantity}"
        if quantity in PER_BAND:
            unit, ucd, description = PER_BAND[quantity]
            kind: pa.DataType = pa.list_(pa.float32(), len(bands))
            fields.append(make_field(name, kind, unit, description, ucd, shape=str(len(bands)), **shared))
        elif quantity in SCALAR:
            kind, ucd, description = SCALAR[quantity]
            fields.append(make_field(name, kind, "", description, ucd, **shared))
        else:
            raise ConfigurationError(unknown_name("photometric quantity", quantity, [*PER_BAND, *SCALAR]))
    return fields


def image_fields(
    survey: str,
    bands: Sequence[str],
    size: int | tuple[int, int],
    pixel_scale: float,
    *,
    ivar_per_band: bool = False,
    psf_fwhm: bool = True,
    psf_ellipticity: bool = False,
    wcs: bool = False,
    zero_point: str,
    provenance: str = "",
) -> list[pa.Field]:
    """Fields of an image group: flux (band, y, x), ivar (the same shape, or one per band), psf_fwhm per band.

    Parameters
    ----------
    survey : str
        E.g. ``legacy``: columns are then ``image_legacy_flux`` and so on.
    bands : sequence of str
        Names of the bands, in the order of the first axis.
    size : int or (int, int)
        Pixels along y and x.
    pixel_scale : float
        arcsec per pixel.
    ivar_per_band : bool
        One inverse variance per band instead of one per pixel.
    psf_fwhm : bool
        With the seeing per band.
    psf_ellipticity : bool
        With e1 and e2 of the PSF per band.
    wcs : bool
        With what a World Coordinate System is made of: ra and dec of the stamp's centre, and its rotation.
    zero_point : {"sdss", "ab"}
        System in which magnitude 22.5 is one nanomaggy.
    provenance : str
        Where the numbers come from.

    Returns
    -------
    list of pyarrow.Field
    """
    check_survey(survey)
    check_choice("zero_point", zero_point, ("sdss", "ab"))
    ny, nx = (size, size) if isinstance(size, int) else size
    n = len(bands)
    shared = {
        "bands": ",".join(bands),
        "zero_point": zero_point,
        "pixel_scale": repr(float(pixel_scale)),
        "provenance": provenance,
    }
    cube, line = (n * ny * nx, f"{n},{ny},{nx}"), (n, str(n))
    columns = [
        ("flux", cube, "nanomaggy", "Flux per pixel (band, y, x)", "phot.flux;obs.image"),
        (
            "ivar",
            line if ivar_per_band else cube,
            "nanomaggy-2",
            "Inverse variance of a pixel's flux; 0: not observed",
            "stat.weight;phot.flux;obs.image",
        ),
    ]
    if psf_fwhm:
        columns.append(
            ("psf_fwhm", line, "arcsec", "Seeing per band, full width at half maximum", "instr.det.psf;obs.image")
        )
    if psf_ellipticity:
        columns.append(
            ("psf_ellipticity", (2 * n, f"{n},2"), "", "Ellipticity of the PSF per band: e1, e2", "instr.det.psf")
        )
    fields = [
        make_field(
            f"image_{survey}_{quantity}",
            pa.list_(pa.float32(), length),
            unit,
            description,
            ucd,
            shape=shape,
            **shared,
        )
        for quantity, (length, shape), unit, description, ucd in columns
    ]
    places = (
        ("ra", "Right ascension of the stamp's centre", "pos.eq.ra"),
        ("dec", "Declination of the stamp's centre", "pos.eq.dec"),
        ("rotation", "Angle from north through east to the stamp's y axis", "pos.posAng"),
    )
    if wcs:
        fields += [make_field(f"image_{survey}_{name}", pa.float64(), "deg", text, ucd) for name, text, ucd in places]
    return fields


def truth_field(name: str, type: pa.DataType, unit: str = "", description: str = "") -> pa.Field:
    """A field of simulated truth, which no model may read.

    Raises
    ------
    ConfigurationError
        The name neither starts with ``truth_`` nor is ``template_id``.
    """
    if not (name.startswith("truth_") or name == "template_id"):
        raise ConfigurationError(f"a column of truth must be called truth_… or template_id, not {name!r}")
    return make_field(name, type, unit, description, "stat.value;meta.modelled")


def prediction_fields(task: str, *, grid: Sequence[float] | None = None) -> list[pa.Field]:
    """Columns that ``predict`` adds for a task, or for both.

    Parameters
    ----------
    task : str
        ``classification``, ``redshift``, or both with a comma between them.
    grid : sequence of float, optional
        The G redshifts of ``z_pdf``; without it that column is left out.

    Returns
    -------
    list of pyarrow.Field

    Raises
    ------
    ConfigurationError
        A task is not known.
    """
    fields: dict[str, pa.Field] = {}
    for name in task.split(","):
        check_choice("task", name, tuple(PREDICTIONS))
        for field in PREDICTIONS[name]:
            # What both tasks have stands behind the columns of both.
            fields.pop(field.name, None)
            if field.name == "in_domain" and name == "redshift" and grid is not None:
                fields["z_pdf"] = _density_field(grid)
            fields[field.name] = field
    return list(fields.values())


def _density_field(grid: Sequence[float]) -> pa.Field:
    return make_field(
        "z_pdf",
        pa.list_(pa.float32(), len(grid)),
        "",
        "Density of redshift at the grid's redshifts, linear between them; integral 1",
        "stat.probability;src.redshift.phot",
        shape=str(len(grid)),
        grid=json.dumps([float(z) for z in grid]),
    )
