"""Template libraries on disk: one table of what each one is, and the one way to its files.

What the table says of a library's medium, frame and range was checked against its files (tests/real/test_libraries.py
finds the lines of hydrogen and [O III] where it says they are). Ranges are those where the spectra carry information:
several files are padded with a constant beyond it.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from asterism.errors import BadInputError, ConfigurationError, unknown_name

__all__ = ["LIBRARIES", "ROLES", "Library", "LibraryFiles", "choose_libraries", "fingerprint_of", "open_fits"]

ROLES: tuple[str, ...] = ("stars", "white_dwarfs", "galaxies", "quasars")
"""What a library can be chosen for."""


@dataclass(frozen=True)
class Library:
    """What is known of a template library.

    Attributes
    ----------
    name : str
        As it is chosen.
    role : str
        One of `ROLES`.
    folder : str
        Below the directory of templates.
    files : tuple of str
        Patterns; each must have a file. Where several match, the last by name is taken, but for patterns that hold
        ``star_m``: all.
    medium : {"vacuum", "air"}
        Of the files; readers give vacuum.
    frame : {"rest"}
        Of the files.
    wavelength : (float, float)
        At rest, Å, vacuum: the range that holds.
    resolution : str
        As published.
    citation : str
        Where it comes from.
    extra : str
        A file of another folder that makes it better where it is there; empty: none.
    """

    name: str
    role: str
    folder: str
    files: tuple[str, ...]
    medium: Literal["vacuum", "air"]
    frame: Literal["rest"]
    wavelength: tuple[float, float]
    resolution: str
    citation: str
    extra: str = ""


_REDROCK = "redrock-templates (Bailey et al., in preparation; DESI Collaboration 2024, AJ 168, 58), from "
_BOLTON = "Bolton et al. 2012, AJ 144, 144, section 3"

LIBRARIES: tuple[Library, ...] = (
    Library(
        "redrock",
        "stars",
        "redrock",
        tuple(f"rrtemplate-STAR-{kind}-v*.fits" for kind in ("B", "A", "F", "G", "K", "M", "CV")),
        "vacuum",
        "rest",
        (3005.0, 10995.0),
        "0.1 Å pixels",
        _REDROCK + "Allende Prieto et al. 2018, A&A 618, A25 (model atmospheres); CV from BOSS (" + _BOLTON + ")",
    ),
    Library(
        "desisim",
        "stars",
        "desisim",
        ("star_templates_v*-lite.fits",),
        "vacuum",
        "rest",
        (1310.0, 60000.0),
        "R = 3000 per pixel",
        "desisim basis templates v2.0: Allende Prieto et al. 2018, A&A 618, A25",
    ),
    Library(
        "eigen",
        "stars",
        "idlspec2d",
        ("spEigenStar-53724.fits", "spEigenStar-55734.fits"),
        "vacuum",
        "rest",
        (3500.0, 11000.0),  # 3830 to 9190 Å for those of 53724
        "R about 2000",
        _BOLTON + " (Indo-US stars, Valdes et al. 2004, extended by models); SDSS stars (53724)",
    ),
    Library(
        "miles",
        "stars",
        "miles",
        ("MILES_res2.50_star_m*.fits", "paramsMILES_v9.1.txt"),
        "air",
        "rest",
        (3545.0, 7405.0),
        "2.5 Å FWHM",
        "Sánchez-Blázquez et al. 2006, MNRAS 371, 703; parameters: Cenarro et al. 2007, MNRAS 374, 664",
    ),
    Library(
        "redrock",
        "white_dwarfs",
        "redrock",
        ("rrtemplate-STAR-WD-v*.fits",),
        "vacuum",
        "rest",
        (3005.0, 10995.0),
        "0.1 Å pixels",
        _REDROCK + "Koester 2010, MemSAIt 81, 921",
    ),
    Library(
        "desisim",
        "white_dwarfs",
        "desisim",
        ("wd_templates_v*-lite.fits",),
        "vacuum",
        "rest",
        (1010.0, 50000.0),
        "0.5 Å pixels in the lines, 200 Å in the continuum",
        "desisim basis templates v2.2: Koester 2010, MemSAIt 81, 921",
    ),
    Library(
        "eigen",
        "galaxies",
        "idlspec2d",
        ("spEigenGal-56436.fits",),
        "vacuum",
        "rest",
        (1850.0, 9900.0),
        "R about 2000",
        _BOLTON,
    ),
    Library(
        "desisim",
        "quasars",
        "desisim",
        ("qso_templates_v*-lite.fits",),
        "vacuum",
        "rest",
        (1225.0, 9000.0),
        "R = 4300 per pixel with spEigenQSO-55732, of which the file holds every tenth pixel; R = 430 without",
        "desisim basis templates v2.0: Pâris et al. 2011, A&A 530, A50; eigenvectors of " + _BOLTON,
        extra="idlspec2d/spEigenQSO-55732.fits",
    ),
    Library(
        "eigen",
        "quasars",
        "idlspec2d",
        ("spEigenQSO-58596.fits",),
        "vacuum",
        "rest",
        (1225.0, 8600.0),
        "R about 2000",
        _BOLTON,
    ),
    Library(
        "redrock",
        "quasars",
        "redrock",
        ("rrtemplate-QSO-LOZ-v*.fits", "rrtemplate-QSO-HIZ-v*.fits"),
        "vacuum",
        "rest",
        (1225.0, 9600.0),  # LOZ from 1350 Å, HIZ to 4450 Å
        "R about 2000",
        _REDROCK + "Brodzeller et al. 2023, AJ 166, 66",
    ),
)
"""All libraries that can be read; within a role the first one found is the default."""
# spEigenGal-55686 is left out: its lines stand 2e-4 dex bluewards of vacuum (two pixels), which is no medium.


@dataclass(frozen=True)
class LibraryFiles:
    """A library and its files.

    Attributes
    ----------
    library : Library
        What it is.
    paths : tuple of pathlib.Path
        Its files, in the order of the table's patterns, sorted within one.
    """

    library: Library
    paths: tuple[Path, ...]

    def fingerprint(self) -> str:
        """SHA-256 over names and contents of the files."""
        digest = hashlib.sha256(f"{self.library.role}/{self.library.name}".encode())
        for path in self.paths:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise BadInputError(f"can't read the template file {path}: {error.strerror}; fetch it again") from error
            digest.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def matching(self, text: str) -> tuple[Path, ...]:
        """Those of the files whose name holds `text`."""
        return tuple(path for path in self.paths if text in path.name)


def choose_libraries(directory: Path, choices: dict[str, str | None]) -> dict[str, LibraryFiles | None]:
    """The library of each role in a directory of templates.

    Parameters
    ----------
    directory : pathlib.Path
        Holds the folders of `LIBRARIES`.
    choices : dict of str to str or None
        By role: a library's name, ``embedded``, or None for the first one that the directory holds (of which a part is
        an error, since it is a broken copy).

    Returns
    -------
    dict of str to LibraryFiles or None
        By role; None: embedded.

    Raises
    ------
    BadInputError
        The directory is absent or holds no library, a chosen one is not there, or one of its files is missing.
    ConfigurationError
        A choice that does not exist.
    """
    if not directory.is_dir():
        raise BadInputError(f"the directory of templates {directory} does not exist; check --templates")
    found: dict[str, LibraryFiles | None] = {}
    for role in ROLES:
        of_role = [library for library in LIBRARIES if library.role == role]
        choice = choices.get(role)
        if choice is not None and choice not in {"embedded", *(library.name for library in of_role)}:
            names = ["embedded", *(library.name for library in of_role)]
            raise ConfigurationError(unknown_name(f"library of {role.replace('_', ' ')}", choice, names))
        found[role] = None
        for library in of_role:
            if choice not in (None, library.name):
                continue
            files = _files_of(directory, library, must=choice is not None)
            if files is not None:
                found[role] = files
                break
    if all(files is None for files in found.values()) and set(choices.values()) != {"embedded"}:
        folders = ", ".join(sorted({library.folder for library in LIBRARIES}))
        raise BadInputError(
            f"{directory} holds no template library; give the directory that has one of the folders {folders} in it"
        )
    return found


def _files_of(directory: Path, library: Library, must: bool) -> LibraryFiles | None:
    folder = directory / library.folder
    paths: list[Path] = []
    missing = []
    for pattern in library.files:
        matched = sorted(folder.glob(pattern))
        if matched:
            paths.extend(matched if "star_m" in pattern else matched[-1:])
        else:
            missing.append(pattern)
    if not missing:
        extra = directory / library.extra
        return LibraryFiles(library, tuple(paths) + ((extra,) if library.extra and extra.is_file() else ()))
    if paths or must:
        what = f"the library {library.name!r} of {library.role.replace('_', ' ')}"
        raise BadInputError(f"{what} in {folder} lacks {', '.join(missing)}; fetch it again or choose another library")
    return None


@contextmanager
def open_fits(path: Path) -> Iterator[Any]:
    """Open a template file; damage of any kind, met on opening or on reading what it should hold, is one sentence.

    Parameters
    ----------
    path : pathlib.Path
        A FITS file.

    Yields
    ------
    astropy.io.fits.HDUList

    Raises
    ------
    BadInputError
        It is truncated, no FITS file, or lacks what its library should have.
    """
    from astropy.io import fits

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with fits.open(path, memmap=False, lazy_load_hdus=False) as hdus:
                if any("truncated" in str(w.message) for w in caught):
                    raise BadInputError(f"the template file {path} is truncated; fetch it again")
                yield hdus
        except (OSError, EOFError, ValueError, TypeError, IndexError, KeyError) as error:
            reason = " ".join(str(error).split())[:160]
            raise BadInputError(f"can't read the template file {path} ({reason}); fetch it again") from error


def fingerprint_of(chosen: Sequence[LibraryFiles]) -> str:
    """SHA-256 over the fingerprints of several libraries, in their order."""
    digest = hashlib.sha256()
    for files in chosen:
        digest.update(files.fingerprint().encode())
    return digest.hexdigest()
