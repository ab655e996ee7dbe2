"""What the objects of a map can be coloured by: their places, and every quantity that their catalog knows, with its colours.

Colours of names are Okabe & Ito's and Tol's, told apart by people who see fewer colours; a type that is a sequence (stars from hot to
cool, galaxies from early to late) has colours in sequence. Numbers go along viridis, which rises in lightness too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.lists import number_values
from asterism.catalogs.scalars import derived_scalars
from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.inference.figures import CLASS_COLOURS
from asterism.inference.probed_objects import ProbedObjects, probed_objects
from asterism.learning.cluster_agreement import NOISE

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["COLOURINGS", "UNKNOWN_COLOUR", "Colouring", "MappedObjects", "read_map", "tick_places"]

COLOURINGS = {
    "class": "class",
    "redshift": "redshift",
    "galaxy_type": "type of galaxies",
    "half_light_radius": "half-light radius of galaxies",
    "star_type": "type of stars",
    "target": "target class",
    "cluster": "cluster",
    "magnitude": "magnitude",
    "class_predicted": "predicted class",
    "anomaly_density": "local outlier factor",
}
"""Names of what a map can be coloured by, and what each is."""

UNKNOWN_COLOUR = "#D5D9E0"
"""Of objects of which it is not known, or that belong to no cluster."""

_MOST_NAMES = 12
"""Names that have a colour of their own; nobody tells more apart."""

_CYCLE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#332288", "#999933", "#882255", "#44AA99",
    "#7B5E3B", "#111827",
)  # fmt: skip
_OTHER, _NOISE, _SEVERAL = "other", "noise", "several"
_GREY = "#8A93A3"
_FIXED: Mapping[str, Mapping[str, str]] = {
    "class": CLASS_COLOURS,
    "class_predicted": CLASS_COLOURS,
    "star_type": {
        "O": "#2B2F8F", "B": "#3B5BB5", "A": "#4A90D9", "F": "#5CC3C9", "G": "#E3B500", "K": "#EE7733", "M": "#B2182B",
        "WD": "#111827", "CV": "#CC79A7", "carbon": "#117733", "sdB": "#AA4499",
    },
    "galaxy_type": {
        "E": "#B2182B", "S0": "#D55E00", "Sbc": "#E69F00", "Scd": "#56B4E9", "Im": "#0072B2", "AGN": "#AA4499",
        "STARFORMING": "#56B4E9", "STARBURST": "#0072B2", "BROADLINE": "#117733",
    },
    "target": {
        "BGS_BRIGHT": "#0072B2", "BGS_FAINT": "#56B4E9", "LRG": "#B2182B", "ELG": "#009E73", "QSO": "#CC3377",
        "MWS": "#E69F00", "MWS_GIANT": "#7B5E3B", "MWS_BHB": "#332288", "MWS_WD": "#111827", _SEVERAL: _GREY,
    },
}  # fmt: skip

Scale = Literal["linear", "log10", "log1p"]


@dataclass(frozen=True)
class Colouring:
    """One quantity of n objects, and how it becomes colour.

    Attributes
    ----------
    name : str
        Key of `COLOURINGS`.
    title : str
        What it is, with its unit.
    names : tuple of str
        Of the categories in the order of a legend; empty for numbers.
    colours : tuple of str
        Of each name, ``#RRGGBB``.
    codes : ndarray, shape (n,), int16
        Place in `names`, -1 where not known; all -1 for numbers.
    values : ndarray, shape (n,), float64
        Numbers, NaN where not known; all NaN for names.
    texts : ndarray of object, shape (n,)
        Each object's own name, also of those that share a colour with others; None where not known, and for numbers.
    scale : {"linear", "log10", "log1p"}
        Along which colours run; ``log1p``: by log(1 + z).
    """

    name: str
    title: str
    names: tuple[str, ...]
    colours: tuple[str, ...]
    codes: NDArray[np.int16]
    values: NDArray[np.float64]
    texts: NDArray[Any]
    scale: Scale = "linear"

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of which objects it is known (n,)."""
        return self.codes >= 0 if self.names else np.isfinite(self.scaled)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Objects of each name."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))

    @property
    def scaled(self) -> NDArray[np.float64]:
        """Numbers along the colour bar (n,)."""
        return scaled(self.values, self.scale)

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the colour bar, scaled: the central 98 %, so that a few strays don't take all colours."""
        found = self.scaled[self.known]
        low, high = (float(q) for q in np.quantile(found, [0.01, 0.99]))
        return (low, high) if high > low else (low - 0.5, high + 0.5)


@dataclass(frozen=True)
class MappedObjects:
    """The objects of a catalog that have a place on a map.

    Attributes
    ----------
    rows : ndarray, shape (n,), int64
        Row numbers in the catalog.
    flat : ndarray, shape (n, 2), float32, or None
        Places on a map of two dimensions; NaN where another catalog's map lacks the object.
    solid : ndarray, shape (n, 3), float32, or None
        Places on one of three.
    known : ProbedObjects
        What the catalog knows of them.
    colourings : mapping of str to Colouring
        By name, in the order asked for.
    """

    rows: NDArray[np.int64]
    flat: NDArray[np.float32] | None
    solid: NDArray[np.float32] | None
    known: ProbedObjects
    colourings: Mapping[str, Colouring]

    def __len__(self) -> int:
        return len(self.rows)


def read_map(catalog: Catalog, colour: Sequence[str] | None = None, beside: Sequence[Catalog] = ()) -> MappedObjects:
    """Read a map and what it can be coloured by.

    Parameters
    ----------
    catalog : Catalog
        With columns ``map_x``, ``map_y`` and perhaps ``map_z``.
    colour : sequence of str, optional
        Keys of `COLOURINGS`; by default all that the catalogs can give.
    beside : sequence of Catalog
        Further catalogs of the same objects (by ``object_id``): a map of the other number of dimensions, clusters.

    Returns
    -------
    MappedObjects
        ``colourings`` holds one named ``objects`` where nothing is known and nothing was asked for.

    Raises
    ------
    BadInputError
        There is no map, no object is on it, or what is asked for is not known of any object.
    ConfigurationError
        A colouring that does not exist.
    """
    for name in colour or ():
        if name not in COLOURINGS:
            raise ConfigurationError(unknown_name("colouring", name, COLOURINGS))
    axes = [name for name in ("map_x", "map_y", "map_z") if name in catalog.schema.names]
    if len(axes) < 2:
        raise BadInputError(f"{catalog.path} has no map; make one with 'asterism project'")
    places = _places(catalog.read(axes), axes)
    rows = np.flatnonzero(np.isfinite(places).all(axis=1))
    if not len(rows):
        raise BadInputError(f"no object of {catalog.path} has a place on its map; embed and project it again")
    known = probed_objects(catalog, rows)
    maps = {len(axes): places[rows]}
    sources = [(catalog, rows)]
    for other in beside:
        at = _same_objects(other, known.object_id)
        sources.append((other, at))
        their = [name for name in ("map_x", "map_y", "map_z") if name in other.schema.names]
        if len(their) >= 2:
            maps.setdefault(len(their), _taken(_places(other.read(their), their), at))
    found = _colourings(catalog, sources, known)
    if colour is None:
        chosen = found or {"objects": _of_names("objects", "objects", np.full(len(rows), "object", object))}
    else:
        for name in colour:
            if name not in found:
                raise BadInputError(
                    f"{COLOURINGS[name]!r} is not known of any object on the map of {catalog.path}; "
                    f"colour it by {', '.join(found) or 'nothing'}"
                )
        chosen = {name: found[name] for name in dict.fromkeys(colour)}
    return MappedObjects(rows, maps.get(2), maps.get(3), known, chosen)


def scaled(values: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """Numbers along a colour bar; NaN where the scale has no place for them."""
    if scale == "linear":
        return values
    shifted = values + 1.0 if scale == "log1p" else values
    return np.log10(np.where(shifted > 0, shifted, np.nan))


def tick_places(colouring: Colouring) -> tuple[list[float], list[str]]:
    """Where a colour bar is marked, scaled, and with what.

    Examples
    --------
    >>> z = np.linspace(0, 2, 50)
    >>> tick_places(Colouring("redshift", "redshift", (), (), np.full(50, -1), z, np.full(50, None), "log1p"))[1]
    ['0.1', '0.2', '0.5', '1', '1.5']
    """
    low, high = colouring.limits
    if colouring.scale == "linear":
        from matplotlib.ticker import MaxNLocator

        candidates = [float(x) for x in MaxNLocator(6).tick_values(low, high)]
    elif colouring.scale == "log1p":
        candidates = [0.0, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0]
    else:
        powers = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 1)
        candidates = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    places = scaled(np.array(candidates), colouring.scale)
    kept = [(float(p), f"{c:.6g}") for p, c in zip(places, candidates, strict=True) if low <= p <= high]
    return [place for place, _ in kept], [text for _, text in kept]


def _places(table: pa.Table, axes: Sequence[str]) -> NDArray[np.float32]:
    return np.stack([number_values(table[axis], np.float32) for axis in axes], axis=1)


def _same_objects(other: Catalog, object_ids: NDArray[Any]) -> NDArray[np.int64]:
    """Rows of these objects in another catalog (n,); -1: it lacks the object."""
    place = {name: row for row, name in enumerate(other.read(["object_id"])["object_id"].to_pylist())}
    at = np.array([place.get(name, -1) for name in object_ids], np.int64)
    if not (at >= 0).any():
        raise BadInputError(f"{other.path} has none of the objects on the map; give a catalog of the same objects")
    return at


def _taken(values: NDArray[Any], at: NDArray[np.int64]) -> NDArray[Any]:
    return np.where((at >= 0).reshape(-1, *[1] * (values.ndim - 1)), values[np.maximum(at, 0)], np.float32(np.nan))


def _colourings(
    catalog: Catalog, sources: Sequence[tuple[Catalog, NDArray[np.int64]]], known: ProbedObjects
) -> dict[str, Colouring]:
    """All that is known of any object, by name in the order of `COLOURINGS`."""
    found: dict[str, Colouring] = {}
    for name in ("class", "galaxy_type", "star_type"):
        found[name] = _of_names(name, COLOURINGS[name], known.names[name])
    found["redshift"] = _of_numbers("redshift", "redshift", known.redshifts, "log1p")
    found["half_light_radius"] = _radius(catalog, known)
    found["magnitude"] = _of_numbers("magnitude", f"magnitude in {known.band}", known.magnitudes)
    found["target"] = _of_names("target", COLOURINGS["target"], _targets(catalog, known.rows))
    for source, at in sources:
        there = set(source.schema.names)
        for name in ("cluster", "anomaly_density"):
            if name in there and not (name in found and found[name].known.any()):
                values = _taken(number_values(source.read([name])[name], np.float64), at)
                made = _clusters(values) if name == "cluster" else _of_numbers(name, COLOURINGS[name], values)
                found[name] = made
        if "class_predicted" in there and "class_predicted" not in found:
            names = np.array([*source.read(["class_predicted"])["class_predicted"].to_pylist(), None], object)[at]
            found["class_predicted"] = _of_names("class_predicted", COLOURINGS["class_predicted"], names)
    return {name: found[name] for name in COLOURINGS if name in found and found[name].known.any()}


def _targets(catalog: Catalog, rows: NDArray[np.int64]) -> NDArray[Any]:
    found = np.full(len(rows), None, object)
    if "targets" in catalog.schema.names:
        lists = catalog.read(["targets"])["targets"].take(pa.array(rows)).to_pylist()
        found[:] = [(names[0] if len(names) == 1 else _SEVERAL) if names else None for names in lists]
    return found


def _radius(catalog: Catalog, known: ProbedObjects) -> Colouring:
    """The true radius of galaxies where the sky is simulated, else the one that was measured."""
    name, title = "half_light_radius", "half-light radius (arcsec)"
    true = 10.0 ** known.numbers["half_light_radius"]
    if np.isfinite(true).any():
        return _of_numbers(name, f"true {title}", true, "log10")
    classes = known.names["class"]
    values = np.full(len(known), np.nan)
    scalars = derived_scalars(catalog.schema)
    band = known.band or "r"
    for scalar in (
        s for key, s in scalars.items() if key.startswith("photometry_") and key.endswith(f"_radius_{band}")
    ):
        measured = scalar.evaluate(catalog.read(list(scalar.columns)).take(pa.array(known.rows)))
        values = np.where(np.isfinite(values), values, measured)
    if any(one is not None for one in classes):
        values = np.where(classes == "GALAXY", values, np.nan)
    return _of_numbers(name, f"measured {title}", np.where(values > 0, values, np.nan), "log10")


def _clusters(values: NDArray[np.float64]) -> Colouring:
    names = np.full(len(values), None, object)
    there = np.isfinite(values)
    names[there] = [_NOISE if v == NOISE else str(int(v)) for v in values[there]]
    return _of_names("cluster", "cluster", names)


def _of_numbers(name: str, title: str, values: NDArray[np.float64], scale: Scale = "linear") -> Colouring:
    n = len(values)
    return Colouring(name, title, (), (), np.full(n, -1, np.int16), values, np.full(n, None, object), scale)


def _of_names(name: str, title: str, values: NDArray[Any]) -> Colouring:
    """Names with colours: those in sequence first, then by their number; the least of too many share one."""
    fixed = _FIXED.get(name, {})
    texts = [None if value is None else str(value) for value in values]
    counts: dict[str, int] = {}
    for text in texts:
        if text is not None:
            counts[text] = counts.get(text, 0) + 1
    most = sorted((t for t in counts if t != _NOISE), key=lambda t: (-counts[t], t))
    kept = set(most[: _MOST_NAMES if len(most) <= _MOST_NAMES else _MOST_NAMES - 1])
    free = [colour for colour in _CYCLE if colour not in {fixed[t] for t in kept if t in fixed}]
    order = [t for t in fixed if t in kept] + [t for t in most if t in kept and t not in fixed]
    if name == "cluster":
        order.sort(key=int)
    colours: dict[str, str] = {}
    for text in order:
        colours[text] = fixed[text] if text in fixed else free.pop(0) if free else _GREY
    if len(kept) < len(most):
        colours[_other(colours)] = _GREY
    if _NOISE in counts and name == "cluster":
        colours[_NOISE] = UNKNOWN_COLOUR
    place = {text: k for k, text in enumerate(colours)}
    rest = place.get(_other({t: "" for t in order}), -1)
    codes = np.array([-1 if t is None else place.get(t, rest) for t in texts], np.int16)
    own = np.full(len(texts), None, object)
    own[:] = texts
    return Colouring(name, title, tuple(colours), tuple(colours.values()), codes, np.full(len(texts), np.nan), own)


def _other(taken: Mapping[str, str]) -> str:
    """A name for all others that no category has."""
    name = _OTHER
    while name in taken:
        name += " "
    return name
