"""What columns there are: names, types, units and UCDs, as tables that `schema` makes fields from."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from asterism.errors import ConfigurationError, unknown_name

__all__ = [
    "ADDED_NAMES",
    "ASTROMETRY",
    "CLASSES",
    "EMBEDDING_NAME",
    "GROUP_KINDS",
    "IDENTITY",
    "LABELS",
    "PER_BAND",
    "PLACES",
    "PREDICTIONS",
    "PREDICTION_NAMES",
    "QUANTITIES",
    "SCALAR",
    "check_choice",
    "check_survey",
    "make_field",
    "metadata_of",
]

CLASSES = ("STAR", "GALAXY", "QSO")
"""Names of classes in labels, probabilities and metrics."""

GROUP_KINDS = ("photometry", "image", "spectrum", "spectrum2d")
"""Kinds of modality; a group's columns are called KIND_SURVEY_QUANTITY."""


def make_field(
    name: str,
    type: pa.DataType,
    unit: str = "",
    description: str = "",
    ucd: str = "",
    **more: str,
) -> pa.Field:
    """An Arrow field with Asterism's metadata; empty values are left out.

    Parameters
    ----------
    name : str
        Column name.
    type : pyarrow.DataType
        Column type.
    unit, description, ucd : str
        See the module's page.
    **more : str
        Further metadata, e.g. ``bands="g,r,z"``.

    Returns
    -------
    pyarrow.Field
    """
    metadata = {"unit": unit, "ucd": ucd, "description": description, **more}
    return pa.field(name, type, metadata={key: value for key, value in metadata.items() if value})


def metadata_of(column: pa.Field) -> dict[str, str]:
    """Metadata of a field as strings (Arrow holds bytes); keys that Parquet adds on reading are left out."""
    return {
        key.decode(): value.decode()
        for key, value in (column.metadata or {}).items()
        if not key.startswith(b"PARQUET:")
    }


def check_survey(survey: str) -> None:
    """Raise `ConfigurationError` where a survey's name can't stand in a column name."""
    if not re.fullmatch(r"[a-z0-9]+", survey):
        raise ConfigurationError(f"survey name {survey!r} can't stand in a column name: use a-z and 0-9 only")


def check_choice(what: str, value: str, known: Sequence[str]) -> None:
    """Raise `ConfigurationError` for a value that is not known, naming the nearest."""
    if value not in known:
        raise ConfigurationError(unknown_name(what, value, known))


IDENTITY: tuple[pa.Field, ...] = (
    make_field("object_id", pa.string(), ucd="meta.id;meta.main", description="Name of the observation, unique"),
    make_field("source_id", pa.string(), ucd="meta.id.parent", description="Name of the source that was observed"),
    make_field("ra", pa.float64(), "deg", "Right ascension, ICRS", "pos.eq.ra;meta.main"),
    make_field("dec", pa.float64(), "deg", "Declination, ICRS", "pos.eq.dec;meta.main"),
    make_field("survey", pa.string(), ucd="meta.id;instr", description="Survey that made the observation"),
    make_field("release", pa.string(), ucd="meta.version", description="Data release of the survey"),
    make_field("mjd", pa.float64(), "d", "Modified Julian Date of the observation", "time.epoch;obs"),
)
"""Who and where: the columns that every catalog may carry."""

LABELS: tuple[pa.Field, ...] = (
    make_field("class", pa.string(), ucd="src.class", description="STAR, GALAXY or QSO"),
    make_field("subclass", pa.string(), ucd="src.spType", description="Class within the class, as the survey names it"),
    make_field("redshift", pa.float32(), ucd="src.redshift", description="Redshift"),
    make_field("redshift_err", pa.float32(), ucd="stat.error;src.redshift", description="Its standard deviation"),
    make_field("label_source", pa.string(), ucd="meta.ref", description="Who says so"),
    make_field("label_warning", pa.int32(), ucd="meta.code.qual", description="0 where the label is clean"),
    make_field("targets", pa.list_(pa.string()), ucd="meta.code.class", description="Names of the target selections"),
)
"""What the object is, as a spectrum or a person says."""

ASTROMETRY: tuple[pa.Field, ...] = (
    make_field("parallax", pa.float64(), "mas", "Parallax", "pos.parallax"),
    make_field("parallax_err", pa.float64(), "mas", "Its standard deviation", "stat.error;pos.parallax"),
    make_field("pm_ra", pa.float64(), "mas / yr", "Proper motion in RA, times cos(dec)", "pos.pm;pos.eq.ra"),
    make_field("pm_ra_err", pa.float64(), "mas / yr", "Its standard deviation", "stat.error;pos.pm;pos.eq.ra"),
    make_field("pm_dec", pa.float64(), "mas / yr", "Proper motion in declination", "pos.pm;pos.eq.dec"),
    make_field("pm_dec_err", pa.float64(), "mas / yr", "Its standard deviation", "stat.error;pos.pm;pos.eq.dec"),
)

# quantity: (unit, ucd, description) of the per-band lists, then of the scalars, of a photometry group.
PER_BAND: dict[str, tuple[str, str, str]] = {
    "flux": ("nanomaggy", "phot.flux", "Flux per band"),
    "ivar": ("nanomaggy-2", "stat.weight;phot.flux", "Inverse variance of the flux; 0: not observed"),
    "extinction": ("mag", "phys.absorption.gal", "Galactic extinction per band; NaN: unknown"),
    "psf_fwhm": ("arcsec", "instr.det.psf", "Seeing per band, full width at half maximum"),
    "radius": ("arcsec", "phys.angSize", "Half-light radius of the galaxy model per band"),
    "concentration": ("", "stat.param;phys.angSize", "Concentration of the light per band"),
    "psf_minus_model": ("mag", "phot.mag;arith.diff", "PSF magnitude minus model magnitude per band"),
}
SCALAR: dict[str, tuple[pa.DataType, str, str]] = {
    "psf_probability": (pa.float32(), "src.class.starGalaxy", "Probability that the object is point-like"),
    "flags": (pa.int64(), "meta.code.qual", "Flags as the survey gives them"),
}
QUANTITIES: dict[str, frozenset[str]] = {
    "photometry": frozenset({*PER_BAND, *SCALAR}),
    "image": frozenset({"flux", "ivar", "psf_fwhm", "psf_ellipticity", "ra", "dec", "rotation"}),
    "spectrum": frozenset({"flux", "ivar", "mask", "lsf", "sky", "snr", "deltachi2"}),
    "spectrum2d": frozenset(f"{arm}{part}" for arm in ("blue", "red") for part in ("", "_ivar", "_wavelength", "_sky")),
}
"""Quantities that a group of each kind may have."""

_PROBABILITY = "stat.probability;src.class"
_ABOUT = (
    make_field("in_domain", pa.bool_(), "", "Whether the model has seen the like", "meta.code.qual"),
    make_field("domain_score", pa.float32(), "", "Distance from what the model has seen", "stat.value"),
    make_field("model_fingerprint", pa.string(), "", "Name of the model's content", "meta.id"),
)
PREDICTIONS: dict[str, tuple[pa.Field, ...]] = {
    "classification": (
        *(
            make_field(f"p_{name.lower()}", pa.float32(), "", f"Probability of {name}; null: not known", _PROBABILITY)
            for name in CLASSES
        ),
        make_field("class_predicted", pa.string(), "", "Most probable class", "src.class"),
        make_field("class_set", pa.list_(pa.string()), "", "Conformal set; null: out of domain", "src.class"),
        *_ABOUT,
    ),
    "redshift": (
        make_field("z_median", pa.float32(), "", "Median of p(z), the point redshift", "src.redshift.phot"),
        make_field("z_mode", pa.float32(), "", "Highest point of p(z)", "src.redshift.phot"),
        make_field("z_mean", pa.float32(), "", "Mean of p(z)", "src.redshift.phot;stat.mean"),
        *(
            make_field(f"z_{name}", pa.float32(), "", f"{share} % quantile of p(z)", "src.redshift.phot;stat.value")
            for name, share in (("16", "16"), ("84", "84"), ("025", "2.5"), ("975", "97.5"))
        ),
        *_ABOUT,
    ),
}
"""What ``predict`` adds, by task; of redshifts also ``z_pdf``, which depends on the model's grid."""

PREDICTION_NAMES = frozenset({"z_pdf", *(column.name for columns in PREDICTIONS.values() for column in columns)})
"""Names of all columns that ``predict`` adds."""

EMBEDDING_NAME = r"embedding_[a-z0-9_]+"
"""Pattern of the columns that ``embed`` adds; see `asterism.catalogs.embeddings`."""

PLACES: dict[str, tuple[pa.Field, ...]] = {
    "project": tuple(
        make_field(f"map_{axis}", pa.float32(), "", f"Place on the map, {axis}; null: not embedded", "pos.cartesian")
        for axis in "xyz"
    ),
    "cluster": (
        make_field("cluster", pa.int32(), "", "Number of the cluster; -1: noise, null: not embedded", "meta.id"),
        make_field("cluster_probability", pa.float32(), "", "How firmly it belongs to its cluster", "stat.probability"),
        make_field("anomaly_knn", pa.float32(), "", "Mean distance to the nearest neighbours", "stat.value"),
        make_field(
            "anomaly_density",
            pa.float32(),
            "",
            "Neighbours' density over its own: its local outlier factor",
            "stat.value",
        ),
    ),
}
"""What ``project`` and ``cluster`` add, by verb."""

ADDED_NAMES = re.compile(
    "|".join(
        [*sorted(PREDICTION_NAMES), *(field.name for fields in PLACES.values() for field in fields), EMBEDDING_NAME]
    )
)
"""Pattern of all columns that a model or its embedding adds to a catalog."""
