"""``ingest images --jpeg``: colour pictures as the surveys' web pages give them, 8 bits per channel.

They are no photometry. SDSS's cutouts show i, r, g as red, green, blue after the stretch of Lupton et al. (2004) with changes
of the survey's own (DR16 page on its JPEG images), at any scale that was asked for, interpolated between stored zooms. So
they are their own kind: ``image_sdssrgb_flux`` of shape (3, y, x), values 0 to 255 without unit, and ``image_sdssrgb_ivar`` per
channel, which is that of rounding alone (``ivar_source`` says ``rounding``). The arcsec per pixel stand in no such file:
they are recorded where the user tells them (``--pixel-scale``), and are unknown else.

A picture's object is its file's name: the ``object_id`` of a catalog's row or its ``source_id`` (SDSS's BESTOBJID). Without
a catalog, pictures make one of their own, without positions. Rows run from the top of the picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.columns import check_survey, make_field
from asterism.catalogs.narrow import NarrowWriter
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.doors import Observation, Part, Plan, find_files
from asterism.surveys.images import name_of_files

__all__ = ["SUFFIXES", "PictureDoor", "attach_pictures", "picture_fields", "read_picture"]

Pixels = npt.NDArray[np.uint8]

SUFFIXES = (".jpg", ".jpeg", ".png")
"""Endings of pictures."""

_LARGEST = 4096  # pixels along a side: the web services give at most 2048
_ROUNDING = 12.0  # inverse variance of a number that is rounded to a whole one


def read_picture(path: Path) -> Pixels:
    """Read a colour picture.

    Parameters
    ----------
    path : Path
        JPEG or PNG; one channel is taken for all three.

    Returns
    -------
    ndarray of uint8, shape (3, y, x)
        Red, green, blue; rows from the top.

    Raises
    ------
    BadInputError
        The file is damaged, or too large to be a cutout.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("JPEG", "PNG")) as file:
                width, height = file.size
                if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
                    raise BadInputError(
                        f"{path} has {width} x {height} pixels; a cutout has at most {_LARGEST} along a side"
                    )
                pixels = np.asarray(file.convert("RGB"), np.uint8)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(f"can't read {path} as a picture ({reason}); fetch the file again") from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def picture_fields(
    survey: str, shape: tuple[int, int], pixel_scale: float | None, channels: Sequence[str] = ("i", "r", "g")
) -> list[pa.Field]:
    """Columns of pictures.

    Parameters
    ----------
    survey : str
        In the columns' names, e.g. ``sdssrgb``: of its own, since pixels are no fluxes.
    shape : (int, int)
        Pixels along y and x.
    pixel_scale : float or None
        arcsec, where known.
    channels : sequence of str
        Bands that are shown as red, green and blue.

    Returns
    -------
    list of pyarrow.Field
    """
    check_survey(survey)
    told = {
        "bands": ",".join(channels),
        "stretch": "lupton8bit",
        "channels": "red,green,blue",
        "ivar_source": "rounding",
    }
    if pixel_scale is not None:
        told["pixel_scale"] = repr(float(pixel_scale))
    cube = 3 * shape[0] * shape[1]
    # Half precision holds 0 to 255 exactly.
    return [
        make_field(
            f"image_{survey}_flux", pa.list_(pa.float16(), cube), "", "Value of a pixel, 0 to 255 (channel, y, x)", "obs.image",
            shape=f"3,{shape[0]},{shape[1]}", **told,
        ),
        make_field(
            f"image_{survey}_ivar", pa.list_(pa.float32(), 3), "", "Inverse variance of rounding, per channel", "stat.weight",
            shape="3", **told,
        ),
    ]  # fmt: skip


def _cut(pixels: Pixels, shape: tuple[int, int], path: Path, sized: bool) -> Pixels:
    """Cut to size about the middle; nothing is scaled."""
    have = pixels.shape[1:]
    if have == shape:
        return pixels
    if not sized:
        raise BadInputError(f"{path.name} has {have} pixels, the first picture {shape}: give --size to cut them")
    if have[0] < shape[0] or have[1] < shape[1]:
        raise BadInputError(f"{path.name} has {have} pixels, fewer than --size; pictures are not padded or scaled")
    top, left = ((h - w) // 2 for h, w in zip(have, shape, strict=True))
    return pixels[:, top : top + shape[0], left : left + shape[1]]


def _first_shape(files: Sequence[Path], size: int | None) -> tuple[int, int]:
    if size is not None:
        if size < 1:
            raise ConfigurationError("--size must be positive")
        return size, size
    reason = ""
    for path in files:
        try:
            pixels = read_picture(path)
        except BadInputError as error:
            reason = reason or str(error)
        else:
            return pixels.shape[1], pixels.shape[2]
    raise BadInputError(f"none of {len(files)} pictures can be read; of the first is said: {reason}")


@dataclass(frozen=True)
class PictureDoor:
    """Reads colour pictures into a catalog of their own, without positions.

    Attributes
    ----------
    name : str
        In the columns' names.
    size : int or None
        Pixels along each side that are cut from the middle; the first picture's by default.
    pixel_scale : float or None
        arcsec per pixel, where known.
    """

    name: str = "sdssrgb"
    size: int | None = None
    pixel_scale: float | None = None

    @property
    def survey(self) -> str:
        """As in the command's name."""
        return "images --jpeg"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of files."""
        return SUFFIXES

    def plan(self, files: Sequence[Path]) -> Plan:
        """One part for each picture, all of the first's size.

        Raises
        ------
        BadInputError
            No picture can be read.
        """
        height, width = _first_shape(files, self.size)
        fields = (
            make_field("object_id", pa.string(), ucd="meta.id;meta.main", description="Name of the picture's file"),
            *picture_fields(self.name, (height, width), self.pixel_scale),
        )
        # A picture unpacks to many times its bytes: the sizes count what is held.
        parts = tuple(Part(path, size=6 * height * width, layout=f"{height},{width}") for path in files)
        return Plan(fields, False, parts)

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterable[Observation]:
        """Read a picture.

        Raises
        ------
        BadInputError
            It is damaged, or of another size.
        """
        height, width = (int(n) for n in part.layout.split(","))
        pixels = _cut(read_picture(part.path), (height, width), part.path, self.size is not None)
        yield Observation(
            0,
            {
                "object_id": part.path.stem,
                f"image_{self.name}_flux": pixels.astype(np.float16),
                f"image_{self.name}_ivar": np.full(3, _ROUNDING, np.float32),
            },
        )


def attach_pictures(
    paths: Sequence[str | Path],
    to: Catalog | str | Path,
    out: str | Path,
    *,
    survey: str = "sdssrgb",
    size: int | None = None,
    pixel_scale: float | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Attach colour pictures to the objects of a catalog, by the files' names.

    Parameters
    ----------
    paths : sequence of path
        Pictures, or directories of them.
    to : Catalog or path
        The objects.
    out : path
        The new narrow catalog.
    survey, size, pixel_scale
        As for `PictureDoor`.
    overwrite : bool
        Replace an earlier output.
    progress : callable, optional
        Called with pictures read and their number.

    Returns
    -------
    Catalog
        ``quarantine.parquet`` lists pictures that can't be used or belong to no object.

    Raises
    ------
    BadInputError
        No picture belongs to an object, or none can be read.
    """
    catalog = to if isinstance(to, Catalog) else open_catalog(to)
    files = find_files(paths, SUFFIXES)
    shape = _first_shape(files, size)
    names = catalog.read(["object_id", "source_id"])
    by_name: dict[str, Path] = {}
    lines = []
    for path in files:
        if path.stem in by_name:
            lines.append((path.name, f"object {path.stem} has a picture already, {by_name[path.stem].name}"))
        else:
            by_name[path.stem] = path
    chosen = [
        by_name.get(one) or by_name.get(source or "")
        for one, source in zip(names["object_id"].to_pylist(), names["source_id"].to_pylist(), strict=True)
    ]
    used = {path for path in chosen if path is not None}
    if not used:
        raise BadInputError(
            f"none of {len(files)} pictures is called as an object_id or source_id of {catalog.path}; the first is {files[0].name}"
        )
    lines += [
        (p.name, "it is called as no object_id and no source_id of the catalog")
        for p in by_name.values()
        if p not in used
    ]
    fields = picture_fields(survey, shape, pixel_scale)
    options = {"survey": survey, "size": size, "pixel_scale": pixel_scale}
    inputs = {"command": "ingest images --jpeg", **options, "files": name_of_files(files)}
    made_by = {"command": "ingest images --jpeg", **options, "files": len(files)}
    done = 0
    with NarrowWriter(catalog, out, fields, made_by=made_by, inputs=inputs, overwrite=overwrite) as writer:
        for partition in [] if writer.complete else catalog.partitions:
            rows = slice(partition.start, partition.start + partition.rows)
            mine = chosen[rows]
            if partition.index not in writer.done:
                if partition.index == catalog.partitions[0].index:
                    for name, reason in lines:
                        writer.quarantine("", name, reason)
                flux = np.zeros((len(mine), 3, *shape), np.float16)
                there = np.zeros(len(mine), bool)
                for k, file in enumerate(mine):
                    if file is None:
                        continue
                    try:
                        flux[k] = _cut(read_picture(file), shape, file, size is not None)
                        there[k] = True
                    except BadInputError as error:
                        writer.quarantine(names["object_id"][partition.start + k].as_py(), file.name, str(error))
                ivar = np.full((len(mine), 3), _ROUNDING, np.float32)
                mask = pa.array(~there)
                columns = [
                    pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values[0].size, mask=mask)
                    for values in (flux.reshape(len(mine), -1), ivar)
                ]
                ids = names["object_id"].slice(partition.start, partition.rows)
                writer.write(partition, pa.table([ids, *columns], names=["object_id", *(f.name for f in fields)]))
            done += sum(path is not None for path in mine)
            if progress is not None:
                progress(done, sum(path is not None for path in chosen))
    return open_catalog(writer.path)
