"""From simulated objects to rows of a catalog: what a survey would publish, and the truth in columns of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from asterism.catalogs.schema import identity_fields, image_fields, label_fields, photometry_fields, truth_field
from asterism.simulate.constants import constant
from asterism.simulate.images import STAMP_SIZE, Conditions
from asterism.simulate.measurement import Measurement
from asterism.simulate.photometry import BAND_NAMES, BANDS
from asterism.simulate.population import Population
from asterism.simulate.selection import Survey

__all__ = ["simulated_fields", "table_of"]

_PROVENANCE = "simulated: measured on the noisy stamp"
_QUANTITIES = (
    "flux",
    "ivar",
    "extinction",
    "psf_fwhm",
    "radius",
    "concentration",
    "psf_minus_model",
    "psf_probability",
)

# Column of truth: (attribute of Population, unit, description).
_TRUTH = {
    "truth_redshift": ("redshift", "", "Redshift without the error of its measurement"),
    "truth_r_mag": ("r_mag", "mag", "Total r (AB) before Galactic extinction"),
    "truth_ebv": ("ebv", "mag", "Galactic E(B-V) that dimmed the object"),
    "truth_absolute_magnitude": (
        "absolute_magnitude",
        "mag",
        "Stars M_r; galaxies M(0.1r) - 5 log h; quasars M_i at z = 2",
    ),
    "truth_teff": ("teff", "K", "Stars: effective temperature"),
    "truth_log_g": ("log_g", "", "Stars: log10 of the surface gravity in cgs"),
    "truth_feh": ("feh", "", "Stars: [Fe/H]"),
    "truth_distance": ("distance", "pc", "Stars: distance"),
    "truth_galaxy_type": ("galaxy_type", "", "Galaxies: 0 E, 1 Sbc, 2 Scd, 3 Im"),
    "truth_dust": ("dust", "mag", "E(B-V) of the object's own dust"),
    "truth_slope": ("slope", "", "Quasars: alpha_nu of the continuum"),
    "truth_half_light_radius": ("half_light_radius", "arcsec", "Galaxies: half-light radius along the major axis"),
    "truth_bulge_fraction": ("bulge_fraction", "", "Galaxies: share of the bulge in the light"),
    "truth_axis_ratio": ("disc_axis_ratio", "", "Galaxies: axis ratio of the disc"),
    "truth_position_angle": ("position_angle", "deg", "Galaxies: from x towards y"),
}


def simulated_fields() -> list[pa.Field]:
    """Fields of a simulated catalog: identity, labels, ``photometry_sdss_*``, ``image_sdss_*``, truth."""
    lists = pa.list_(pa.float32(), len(BAND_NAMES))
    return [
        *identity_fields(placed=True),
        *label_fields(),
        *photometry_fields(
            "sdss",
            BAND_NAMES,
            _QUANTITIES,
            dereddened=False,
            zero_point="sdss",
            magnitude_type="model",
            provenance=_PROVENANCE,
        ),
        *image_fields(
            "sdss",
            BAND_NAMES,
            STAMP_SIZE,
            constant("pixel_scale"),
            ivar_per_band=True,
            zero_point="sdss",
            provenance="simulated: sky-subtracted; ivar is that of the sky",
        ),
        truth_field("truth_flux", lists, "nanomaggy", "Total flux that reached the telescope, per band (ugriz)"),
        *(truth_field(name, pa.float32(), unit, about) for name, (_, unit, about) in _TRUTH.items()),
        truth_field("truth_offset", pa.list_(pa.float32(), 2), "pix", "Position against the stamp's centre (x, y)"),
        truth_field("template_id", pa.string(), "", "Template of the spectrum"),
    ]


def table_of(
    rng: np.random.Generator,
    ids: Sequence[str],
    survey: Survey,
    objects: Population,
    templates: np.ndarray,
    fluxes: np.ndarray,
    conditions: Conditions,
    stamps: np.ndarray,
    measured: Measurement,
) -> pa.Table:
    """Rows of observed objects.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance for what a survey measures besides: position, redshift, extinction map, date.
    ids : sequence of str, length n
        Names.
    survey : Survey
        Goes to ``release``.
    objects, fluxes, conditions, stamps, measured
        As `asterism.simulate.sky.observe` gives them.
    templates : ndarray of str, shape (n,)
        Goes to ``template_id``.

    Returns
    -------
    pyarrow.Table
        Columns of `simulated_fields`.
    """
    n = len(objects)
    error = np.select([objects.kind == "STAR", objects.kind == "GALAXY"], constant("redshift_error")[:2])
    error = np.where(objects.kind == "QSO", constant("redshift_error")[2], error) * (
        1.0 + np.maximum(objects.redshift, 0.0)
    )
    shift = constant("astrometric_error") / 3600.0 * rng.standard_normal((2, n))
    dec = objects.dec + shift[1]
    ebv = objects.ebv * np.maximum(1.0 + constant("ebv_map_error") * rng.standard_normal(n), 0.3)
    coefficients = np.array([band.extinction_coefficient for band in BANDS], dtype=np.float64)
    first, last = constant("mjd")
    columns: dict[str, pa.Array] = {
        "object_id": pa.array(ids, pa.string()),
        "source_id": pa.array(ids, pa.string()),
        "ra": pa.array((objects.ra + shift[0] / np.cos(np.radians(dec))) % 360.0),
        "dec": pa.array(dec),
        "survey": pa.repeat("simulated", n),
        "release": pa.repeat(survey.name, n),
        "mjd": pa.array(np.floor(rng.uniform(first, last, n))),
        "class": pa.array(objects.kind.tolist(), pa.string()),
        "subclass": pa.array(objects.subclass.tolist(), pa.string()),
        "redshift": _numbers(objects.redshift + error * rng.standard_normal(n)),
        "redshift_err": _numbers(error),
        "label_source": pa.repeat("simulated", n),
        "label_warning": pa.array(np.zeros(n, np.int32)),
        "targets": pa.array([[name] for name in objects.target.tolist()], pa.list_(pa.string())),
        "photometry_sdss_flux": _lists(measured.flux),
        "photometry_sdss_ivar": _lists(measured.ivar),
        "photometry_sdss_extinction": _lists(ebv[:, None] * coefficients),
        "photometry_sdss_psf_fwhm": _lists(conditions.fwhm),
        "photometry_sdss_radius": _lists(measured.radius),
        "photometry_sdss_concentration": _lists(measured.concentration),
        "photometry_sdss_psf_minus_model": _lists(measured.psf_minus_model),
        "photometry_sdss_psf_probability": _numbers(measured.psf_probability),
        "image_sdss_flux": _lists(stamps.reshape(n, -1)),
        "image_sdss_ivar": _lists(conditions.sky_sigma**-2.0),
        "image_sdss_psf_fwhm": _lists(conditions.fwhm),
        "truth_flux": _lists(fluxes),
        "truth_offset": _lists(conditions.offset),
        "template_id": pa.array(templates.tolist(), pa.string()),
    }
    for name, (attribute, _, _) in _TRUTH.items():
        columns[name] = _numbers(getattr(objects, attribute))
    schema = pa.schema(simulated_fields())
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _numbers(values: np.ndarray) -> pa.Array:
    return pa.array(np.asarray(values, dtype=np.float32))


def _lists(values: np.ndarray) -> pa.Array:
    """Fixed-size lists of the rows of a (n, k) array."""
    flat = np.ascontiguousarray(values, dtype=np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
