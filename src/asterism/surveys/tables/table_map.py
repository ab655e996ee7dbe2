"""The TOML file that says which column of a table is what, and the presets that ship with Asterism.

A map has top-level keys and four tables::

    description = "one line on the table"
    survey = "sdss"                  # fills column `survey` and names the photometry group
    release = "DR17"                 # fills column `release`; "{file}" stands for the name of the row's file
    missing = [-9999]                # numbers that mean "no value" in any numeric column

    [file]                           # only what the file does not say itself
    format = "csv"                   # csv, whitespace, ecsv, fits, votable, parquet; by the suffix where absent
    delimiter = ","                  # csv only
    comment = "#"                    # leading lines that begin so are skipped
    columns = ["u", "g", "redshift"] # names of all columns where the header is absent or wrong
    header = false                   # whether there is a header line (csv, whitespace)
    hdu = 1                          # fits only

    [identity]                       # all optional; a row without object_id gets a hash of its content
    object_id = "objid"
    source_id = "objid"              # rows of one source share it; without it, by position or photometry
    ra = "ra"                        # degrees unless the file says another angle
    dec = "dec"
    mjd = "mjd"                      # days, or ISO dates such as 2013-03-03

    [labels]                         # all optional
    class = "class"
    class_names = { star = "STAR" }  # the table's names -> STAR, GALAXY, QSO (case never matters)
    class_of_all = "GALAXY"          # instead of `class`, where every row is of one class
    subclass = "subclass"
    redshift = "z"
    redshift_err = "zerr"
    label_warning = "zwarning"
    label_source = "SDSS spectroscopic pipeline"
    blank_zero_redshift = ["GALAXY"] # classes for which a redshift of exactly 0 is no measurement

    [[photometry]]                   # one for each survey; `{band}` stands for each of `bands`
    survey = "sdss"                  # default: the top-level survey
    bands = ["u", "g", "r", "i", "z"]
    magnitude = "mag_{band}"         # or flux = "flux_{band}"; a list of names where no pattern fits
    error = "err_{band}"             # same unit as the values; or ivar = "ivar_{band}" (flux only)
    system = "asinh"                 # magnitudes: asinh (SDSS luptitudes) or ab
    offsets = [2.699]                # ab only: added to each band's magnitude first (Vega -> AB)
    unit = "nmgy"                    # flux only; a unit in the file wins, and must be convertible
    zero_point = "ab"                # flux only: sdss or ab
    dereddened = false               # required: whether the values are corrected for Galactic extinction
    dereddening = [5.155]            # A_band / E(B-V) that the table used, where it differs from ours
    extinction = "extinction_{band}" # A_band in mag
    magnitude_type = "model"         # model, psf, petrosian, aperture, unknown
    psf_magnitude = "psfmag_{band}"  # same system and dereddening as `magnitude`; gives psf_minus_model
    psf_fwhm = "psffwhm_{band}"      # arcsec
    radius = "devrad_{band}"         # arcsec
    concentration = "c_{band}"
    psf_probability = "probpsf"      # 1 = point source
    flags = "flags"

A name such as ``FLUX[2]`` takes element 2 of a vector column (FITS, Parquet, VOTable, ECSV).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from asterism.errors import BadInputError, ConfigurationError, unknown_name

__all__ = [
    "BandColumns",
    "FileLayout",
    "IdentityColumns",
    "LabelColumns",
    "PhotometryColumns",
    "TableMap",
    "load_map",
    "preset_names",
    "read_map",
]

PRESETS = Path(__file__).parent / "presets"

# One pattern with {band}, or one name per band.
BandColumns = str | list[str]
ClassName = Literal["STAR", "GALAXY", "QSO"]
PER_BAND = ("magnitude", "flux", "error", "ivar", "extinction", "psf_magnitude", "psf_fwhm", "radius", "concentration")


def _whole_number_as_float(value: Any) -> Any:
    """TOML writes -9999 as an integer; strict pydantic would refuse it for a float."""
    if isinstance(value, list):
        return [float(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in value]
    return value


Numbers = Annotated[list[float], BeforeValidator(_whole_number_as_float)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class FileLayout(_Strict):
    """How the bytes are laid out, where the file does not say so itself (table ``[file]``)."""

    format: Literal["csv", "whitespace", "ecsv", "fits", "votable", "parquet"] | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    comment: str | None = Field(default=None, min_length=1)
    columns: list[str] | None = Field(default=None, min_length=1)
    header: bool = True
    hdu: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _names_exist(self) -> FileLayout:
        if not self.header and self.columns is None:
            raise ValueError("header = false needs columns = [...], the names of all columns")
        if self.columns is not None and len(set(self.columns)) != len(self.columns):
            raise ValueError("columns names one column twice")
        return self


class IdentityColumns(_Strict):
    """Columns that say which object and where (table ``[identity]``)."""

    object_id: str | None = None
    source_id: str | None = None
    ra: str | None = None
    dec: str | None = None
    mjd: str | None = None

    @model_validator(mode="after")
    def _both_coordinates(self) -> IdentityColumns:
        if (self.ra is None) != (self.dec is None):
            raise ValueError("ra and dec are given together or not at all")
        return self


class LabelColumns(_Strict):
    """Columns with what is known of the object from elsewhere (table ``[labels]``)."""

    class_: str | None = Field(default=None, alias="class")
    class_names: dict[str, ClassName] = Field(default_factory=dict)
    class_of_all: ClassName | None = None
    subclass: str | None = None
    redshift: str | None = None
    redshift_err: str | None = None
    label_warning: str | None = None
    label_source: str | None = None
    blank_zero_redshift: list[ClassName] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_class(self) -> LabelColumns:
        if self.class_ is not None and self.class_of_all is not None:
            raise ValueError("class and class_of_all exclude each other")
        if self.class_names and self.class_ is None:
            raise ValueError("class_names needs class, the column whose names they are")
        if self.blank_zero_redshift and self.redshift is None:
            raise ValueError("blank_zero_redshift needs redshift, the column it speaks of")
        return self


class PhotometryColumns(_Strict):
    """One group of photometry (table ``[[photometry]]``): one survey, one kind of magnitude or flux."""

    survey: str | None = Field(default=None, pattern=r"^[a-z0-9]+$")
    bands: list[str] = Field(min_length=1)
    magnitude: BandColumns | None = None
    flux: BandColumns | None = None
    error: BandColumns | None = None
    ivar: BandColumns | None = None
    system: Literal["asinh", "ab"] | None = None
    offsets: Numbers | None = None
    unit: str | None = None
    zero_point: Literal["sdss", "ab"] | None = None
    dereddened: bool
    dereddening: Numbers | None = None
    extinction: BandColumns | None = None
    magnitude_type: Literal["model", "psf", "petrosian", "aperture", "unknown"] = "unknown"
    psf_magnitude: BandColumns | None = None
    psf_fwhm: BandColumns | None = None
    radius: BandColumns | None = None
    concentration: BandColumns | None = None
    psf_probability: str | None = None
    flags: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> PhotometryColumns:
        if (self.magnitude is None) == (self.flux is None):
            raise ValueError("give either magnitude or flux")
        if self.magnitude is not None:
            if self.system is None:
                raise ValueError('magnitude needs system = "asinh" or "ab"')
            for key in ("ivar", "unit", "zero_point"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} goes with flux, not with magnitude")
        elif self.system is not None or self.psf_magnitude is not None:
            raise ValueError("system and psf_magnitude go with magnitude, not with flux")
        if self.error is not None and self.ivar is not None:
            raise ValueError("error and ivar exclude each other")
        if self.offsets is not None and self.system != "ab":
            raise ValueError('offsets goes with system = "ab"')
        if self.dereddening is not None and not self.dereddened:
            raise ValueError("dereddening goes with dereddened = true")
        if len(set(self.bands)) != len(self.bands):
            raise ValueError("bands names one band twice")
        for key in ("offsets", "dereddening", *PER_BAND):
            value = getattr(self, key)
            if isinstance(value, list) and len(value) != len(self.bands):
                raise ValueError(f"{key} has {len(value)} entries for {len(self.bands)} bands")
            if isinstance(value, str) and "{band}" not in value and len(self.bands) > 1:
                raise ValueError(f"{key} must hold {{band}} or be a list with one column per band")
        return self

    def columns(self, key: str) -> list[str] | None:
        """Name the table's columns of one quantity, one per band, or None where the map has none.

        Parameters
        ----------
        key : str
            ``"magnitude"``, ``"flux"``, ``"error"``, … as in the map.

        Returns
        -------
        list of str or None
        """
        value: BandColumns | None = getattr(self, key)
        if value is None:
            return None
        return [value.replace("{band}", band) for band in self.bands] if isinstance(value, str) else list(value)


class TableMap(_Strict):
    """Which column of a table is what; see the module's page for every key."""

    description: str = ""
    survey: str = Field(pattern=r"^[a-z0-9]+$")
    release: str | None = None
    missing: Numbers = Field(default_factory=list)
    file: FileLayout = Field(default_factory=FileLayout)
    identity: IdentityColumns = Field(default_factory=IdentityColumns)
    labels: LabelColumns = Field(default_factory=LabelColumns)
    photometry: list[PhotometryColumns] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_group_per_survey(self) -> TableMap:
        surveys = [self.group_survey(group) for group in self.photometry]
        if len(set(surveys)) != len(surveys):
            raise ValueError("two [[photometry]] groups have the same survey; give each its own name")
        return self

    def group_survey(self, group: PhotometryColumns) -> str:
        """Name the survey of one photometry group: its own, else the table's."""
        return group.survey or self.survey

    def numeric_columns(self) -> list[str]:
        """List the table's columns that hold numbers, each once, in the order of the map."""
        names: list[str | None] = [self.identity.ra, self.identity.dec]
        names += [self.labels.redshift, self.labels.redshift_err, self.labels.label_warning]
        for group in self.photometry:
            for key in PER_BAND:
                names += group.columns(key) or []
            names += [group.psf_probability, group.flags]
        return list(dict.fromkeys(name for name in names if name is not None))

    def text_columns(self) -> list[str]:
        """List the table's columns that are kept as text (ids, names, dates), each once."""
        names = [self.identity.object_id, self.identity.source_id, self.identity.mjd]
        names += [self.labels.class_, self.labels.subclass]
        return list(dict.fromkeys(name for name in names if name is not None))


def preset_names() -> list[str]:
    """List the presets that ship with Asterism, sorted."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load_map(preset: str | None = None, map_file: str | Path | None = None) -> TableMap:
    """Load a preset by name, or a map from a file; exactly one of the two.

    Parameters
    ----------
    preset : str, optional
        One of `preset_names`.
    map_file : path, optional
        A TOML file.

    Returns
    -------
    TableMap

    Raises
    ------
    ConfigurationError
        Neither or both are given, the preset does not exist, or the map has an unknown key or a wrong value.
    BadInputError
        The file can't be read.
    """
    if (preset is None) == (map_file is None):
        raise ConfigurationError(
            "say what the columns are with one of --preset NAME and --map FILE "
            f"(presets: {', '.join(preset_names())}; a map is a small TOML file)"
        )
    if preset is not None:
        if preset not in preset_names():
            raise ConfigurationError(unknown_name("preset", preset, preset_names()))
        return read_map(PRESETS / f"{preset}.toml")
    assert map_file is not None
    return read_map(map_file)


def read_map(path: str | Path) -> TableMap:
    """Read and check one map.

    Parameters
    ----------
    path : path
        A TOML file.

    Returns
    -------
    TableMap

    Raises
    ------
    BadInputError
        The file is missing, not text, or not TOML.
    ConfigurationError
        A key is unknown (the nearest right one is named) or a value does not fit.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"can't read the map {path}: {getattr(error, 'strerror', None) or error}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"the map {path} is not TOML: {error}") from error
    try:
        return TableMap.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(f"in the map {path}: {_sentence(error)}") from error


_PLACES: dict[str, type[_Strict]] = {
    "file": FileLayout,
    "identity": IdentityColumns,
    "labels": LabelColumns,
    "photometry": PhotometryColumns,
}


def _sentence(error: ValidationError) -> str:
    """Say the first complaint in one sentence, with the key's place and, for an unknown key, its neighbour."""
    # A misspelt key is also a missing one: the spelling is the news.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    place = [str(part) for part in first["loc"]]
    # A union (pattern or list) appends the branch's own name to the place: it means nothing to a reader.
    keys = [part for part in place if part not in ("str", "list[str]")]
    where = ".".join(keys) or "the whole map"
    if first["type"] == "extra_forbidden":
        section = _PLACES[keys[0]] if len(keys) > 1 else TableMap
        known = [field.alias or name for name, field in section.model_fields.items()]
        return f"{unknown_name('key', keys[-1], known)}, in {'[' + keys[0] + ']' if len(keys) > 1 else 'the top level'}"
    if first["type"] == "missing":
        return f"the key {where} is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message[0].lower() + message[1:]}"
