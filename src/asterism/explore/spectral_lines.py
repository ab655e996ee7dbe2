"""Lines that an astronomer looks for in a spectrum, by class, in vacuum and at rest."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PROMINENT_LINES", "SPECTRAL_LINES", "lines_of"]

_BALMER = (("Hε", 3971.19), ("Hδ", 4102.89), ("Hγ", 4341.68), ("Hβ", 4862.68), ("Hα", 6564.61))
_CALCIUM = (("Ca K", 3934.78), ("Ca H", 3969.59))
_TRIPLET = (("Ca II", 8500.36), ("Ca II", 8544.44), ("Ca II", 8664.52))

# SDSS's "Table of spectral lines used in SDSS" (DR17 page on algorithms of redshifts), vacuum; broad lines of quasars there
# and in Vanden Berk et al. (2001), table 2.
SPECTRAL_LINES: Mapping[str, tuple[tuple[str, float], ...]] = {
    "GALAXY": (
        ("[O II]", 3728.48), ("[Ne III]", 3869.86), *_CALCIUM, ("Hδ", 4102.89), ("G", 4305.61), ("Hγ", 4341.68),
        ("Hβ", 4862.68), ("[O III]", 4960.30), ("[O III]", 5008.24), ("Mg", 5176.63), ("Na", 5895.60), ("[O I]", 6302.05),
        ("[N II]", 6549.86), ("Hα", 6564.61), ("[N II]", 6585.27), ("[S II]", 6718.29), ("[S II]", 6732.67), *_TRIPLET,
    ),
    "QSO": (
        ("Lyβ+O VI", 1033.82), ("Lyα", 1215.67), ("N V", 1240.81), ("Si IV", 1397.61), ("C IV", 1549.48),
        ("He II", 1640.40), ("C III]", 1908.73), ("Mg II", 2799.12), ("[Ne V]", 3426.85), ("[O II]", 3728.48),
        ("Hδ", 4102.89), ("Hγ", 4341.68), ("Hβ", 4862.68), ("[O III]", 4960.30), ("[O III]", 5008.24), ("Hα", 6564.61),
    ),
    "STAR": (
        *_CALCIUM, *_BALMER[1:], ("G", 4305.61), ("Mg", 5176.63), ("Na", 5895.60), ("TiO", 6160.00), ("TiO", 7055.00),
        *_TRIPLET,
    ),
}  # fmt: skip
"""Name and vacuum wavelength (Å) of lines, by class."""

PROMINENT_LINES = (
    "Lyα",
    "C IV",
    "C III]",
    "Mg II",
    "Hα",
    "Hβ",
    "[O III]",
    "[O II]",
    "Ca K",
    "Mg",
    "Na",
    "Hγ",
    "G",
    "Ca H",
)
"""Names of lines that are looked for first; where there is no room the others go without."""


def lines_of(class_name: str | None, redshift: float | None) -> list[tuple[str, float]]:
    """Where the lines of an object are observed.

    Parameters
    ----------
    class_name : str or None
        STAR, GALAXY or QSO; all lines of galaxies where it is not known.
    redshift : float or None
        None or NaN: not known, and then there is no place to mark.

    Returns
    -------
    list of (str, float)
        Name and observed vacuum wavelength, Å, rising.

    Examples
    --------
    >>> lines_of("QSO", 2.0)[1]
    ('Lyα', 3647.01)
    """
    if redshift is None or redshift != redshift:
        return []
    lines = SPECTRAL_LINES.get(class_name or "", SPECTRAL_LINES["GALAXY"])
    return sorted(((name, wavelength * (1.0 + redshift)) for name, wavelength in lines), key=lambda line: line[1])
