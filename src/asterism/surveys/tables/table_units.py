"""Units that a file gives for its columns, against those that a catalog has."""

from __future__ import annotations

import warnings
from typing import Any

from asterism.errors import BadInputError, ConfigurationError

__all__ = ["factor", "parse_unit"]


def parse_unit(text: str) -> Any:
    """Parse a unit as files write it: FITS, VOUnit or generic, with maggies.

    Parameters
    ----------
    text : str
        E.g. ``nanomaggy``, ``1/nanomaggy^2``, ``uJy``, ``mag(AB)``.

    Returns
    -------
    astropy.units.UnitBase or None
        None where the text is no unit.
    """
    from astropy import units as u
    from astropy.units import photometric

    # Surveys write the plural, and astropy knows the singular.
    singular = text.strip().replace("nanomaggies", "nanomaggy").replace("maggies", "maggy")
    with u.add_enabled_units(photometric), warnings.catch_warnings():
        warnings.simplefilter("ignore", u.UnitsWarning)  # a unit that breaks a standard and can be read is no news
        for spelling in (singular, singular.lower()):
            try:
                return u.Unit(spelling)
            except (ValueError, TypeError):
                continue
    return None


def factor(target: str, *, file: str, column: str, in_file: str | None, in_map: str | None = None) -> float:
    """Number by which a column's values are multiplied to be in a catalog's unit.

    Parameters
    ----------
    target : {"nanomaggy", "nanomaggy-2", "mag", "deg", "arcsec"}
        Unit in the catalog.
    file, column : str
        For messages.
    in_file : str or None
        Unit that the file gives; it is believed before the map's.
    in_map : str, optional
        Unit that the map gives, used where the file gives none or one that can't be read.

    Returns
    -------
    float

    Raises
    ------
    ConfigurationError
        The map's unit does not exist.
    BadInputError
        The unit can't be converted into `target`, e.g. magnitudes where the map says flux.

    Notes
    -----
    Flux densities become nanomaggies by the AB zero point: 1 nanomaggy = 3.631 microjansky.

    Examples
    --------
    >>> round(factor("nanomaggy", file="a.fits", column="f", in_file="uJy"), 5)
    0.27542
    >>> round(factor("deg", file="a.fits", column="ra", in_file="hourangle"), 9)
    15.0
    """
    from astropy import units as u
    from astropy.units import photometric

    given = parse_unit(in_file) if in_file else None
    source = in_file
    if given is None and in_map:
        given, source = parse_unit(in_map), in_map
        if given is None:
            raise ConfigurationError(f"unit {in_map!r} in the map is no unit; write e.g. nanomaggy or uJy")
    if given is None:
        if in_file:
            raise BadInputError(f"{file}: unit {in_file!r} of column {column!r} is no unit; mend it in the file")
        return 1.0
    if target == "mag":
        if given in (u.mag, u.dimensionless_unscaled) or str(given) == "mag(AB)":
            return 1.0
        raise _contradiction(file, column, source, target)
    with u.add_enabled_units(photometric):
        wanted = u.Unit(target)
        if given == u.dimensionless_unscaled and target.startswith("nanomaggy"):
            return 1.0
        zero_point = u.zero_point_flux(1.0 * u.AB)
        try:
            if target == "nanomaggy-2":
                return float((given**-0.5).to(u.Unit("nanomaggy"), equivalencies=zero_point)) ** -2
            return float(given.to(wanted, equivalencies=zero_point))
        except (u.UnitConversionError, TypeError, AttributeError) as error:
            raise _contradiction(file, column, source, target) from error


def _contradiction(file: str, column: str, source: str | None, target: str) -> BadInputError:
    return BadInputError(
        f"{file}: column {column!r} is in {source!r}, which can't be converted into {target}; "
        "correct the map, which takes it for something else"
    )
