"""One camera of a LAMOST-like spectrograph: where its fibres fall on the chip, how wide, and at which wavelengths.

Nothing here is known to the reduction in `asterism.surveys`, which measures it on flats and arcs: a fibre is a disc blurred
by the optics, with coma and with wings; the traces bend by the camera's distortion, lines of equal wavelength by the
slit's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError, unknown_name
from asterism.simulate.constants import Constant
from asterism.surveys.ccd.lamost_frames import ARMS, LAMOST, Geometry, nominal_wavelength

__all__ = ["OPTICS", "Camera", "make_camera"]

Floats = npt.NDArray[np.float64]

_CCD_PAGE = "LAMOST, CCD cameras (lamost.org/public/instrument/ccd)"

_LIST = (
    Constant("fibre_diameter", 8.7, "pix", "choice: 320 um fibres through f/4 collimator and f/1.3 camera on 12 um pixels; "
             f"with the blur it makes the 7-9 pixels of {_CCD_PAGE}"),
    Constant("blur", (1.35, 0.35), "pix", "choice: sigma of the camera's images in the middle, and its growth to the corner"),
    Constant("coma", 0.03, "fraction", "choice: asymmetry of the images at the slit's ends"),
    Constant("wing_share", (0.02, 0.15, 0.10), "fraction; growth along slit, along rows",
             "choice: share beyond the core near that of Guy et al. 2023, AJ 165, 144, for a spectrograph alike"),
    Constant("wing_radius", 5.5, "pix", "choice: as wing_share"),
    Constant("slit_width", 2.0 / 3.0, "of the fibre", "LAMOST spectra's header, SLIT_MOD x2/3"),
    Constant("distortion", 0.008, "fraction at half the chip", "choice: bends the outer traces by one fibre's distance"),
    Constant("rotation", 0.0015, "rad", "choice: of the slit against the chip's columns"),
    Constant("wiggle", 0.03, "pix", "choice: what no low polynomial follows"),
    Constant("fibre_jitter", 0.3, "pix", "choice: how unevenly fibres are set in the slit, both ways"),
    Constant("smile", 20.0, "pix", "choice: lines of equal wavelength between slit's middle and ends"),
    Constant("fibre_throughput", 0.10, "fraction", "choice: fibre-to-fibre scatter, near Luo et al. 2015, RAA 15, 1095"),
    Constant("pixel_response", 0.01, "fraction", "choice: scatter of a back-illuminated chip's pixels"),
    Constant("flexure", 0.15, "pix", "choice: shift between flat and science; Bai et al. 2017, RAA 17, 91, see 0.1 Å"),
    Constant("gain", ((1.08, 1.13), (1.11, 1.06)), "electron/ADU, arms, amplifiers", "choice: near unity"),
    Constant("read_noise", ((3.4, 3.7), (3.6, 3.3)), "electron, arms, amplifiers", f"{_CCD_PAGE}: below 4 electrons"),
    Constant("bias", ((2185.0, 2222.0), (2204.0, 2176.0)), "ADU, arms, amplifiers",
             "choice: about 2200, as shown for a LAMOST bias frame by Chen & Deng (2018, cosmic rays on LAMOST's CCDs)"),
    Constant("bias_drift", 1.5, "ADU", "choice: slow change of the bias from the first row to the last"),
    Constant("full_well", 175000.0, "electron", "e2v, CCD203-82 data sheet: peak signal"),
)  # fmt: skip

OPTICS: dict[str, Constant] = {entry.name: entry for entry in _LIST}
"""Constants of the cameras, by name, with unit and source."""


def _optic(name: str) -> float:
    return float(OPTICS[name].value)


@dataclass(frozen=True)
class Camera:
    """One arm of one spectrograph, the same in all its exposures.

    Attributes
    ----------
    arm : {"blue", "red"}
    spid : int
    seed : int
        Of what differs from spectrograph to spectrograph.
    geometry : Geometry
    jitter : ndarray of float64, shape (2, fibres)
        How each fibre stands off its place: along the slit, and along the dispersion (pixels).
    efficiency : ndarray of float64, shape (fibres,)
        Throughput of each fibre against the mean.
    """

    arm: str
    spid: int
    seed: int
    geometry: Geometry
    jitter: Floats
    efficiency: Floats

    def centres(self, rows: npt.ArrayLike) -> Floats:
        """Columns of the fibres at rows, (fibres, rows)."""
        g = self.geometry
        half = 0.5 * max(g.columns, g.rows)
        x = (g.nominal_centres - 0.5 * (g.columns - 1) + self.jitter[0])[:, None]
        y = np.asarray(rows, dtype=np.float64)[None] - 0.5 * (g.rows - 1)
        bend = 1.0 + _optic("distortion") * (x**2 + y**2) / half**2
        phase = 0.0 if self.arm == "blue" else 1.0
        wiggle = _optic("wiggle") * np.sin(2.5 * np.pi * y / half + 3.0 * x / half + phase)
        return 0.5 * (g.columns - 1) + x * bend + _optic("rotation") * y + wiggle

    @property
    def smile(self) -> float:
        """Rows by which lines bend; a short slit's lines slant at its ends as the long one's do."""
        return _optic("smile") * self.geometry.fibres / LAMOST.fibres

    def wavelength(self, rows: npt.ArrayLike) -> Floats:
        """Vacuum wavelength of each fibre at rows, Å, (fibres, rows)."""
        u = self.geometry.slit[:, None]
        v = 2.0 * (np.asarray(rows, dtype=np.float64)[None] / max(self.geometry.rows - 1, 1)) - 1.0
        smile = self.smile * ((u**2 - 1.0 / 3.0) + 0.05 * u**2 * v)
        shift = self.geometry.first_row + smile + self.jitter[1][:, None]
        return nominal_wavelength(self.arm, np.asarray(rows, dtype=np.float64)[None] + shift)

    def tilt(self) -> Floats:
        """Rows by which light of one wavelength moves per column, (fibres,): the smile's slope across a fibre's image."""
        g = self.geometry
        return 2.0 * self.smile * g.slit * (2.0 / (g.pitch * max(g.fibres - 1, 1)))

    def line_width(self) -> Floats:
        """Sigma of the blur along the dispersion, (fibres,), pixels; the slit's width comes on top."""
        middle, growth = OPTICS["blur"].value
        return middle + growth * self.geometry.slit**2 * 0.5

    @property
    def slit_pixels(self) -> float:
        """Width of the masked slit's image along the dispersion, pixels, as a box with the same variance."""
        return _optic("fibre_diameter") * _optic("slit_width") * 0.85  # the mask cuts a disc, not a square

    def wing_share(self, rows: npt.NDArray) -> Floats:
        """Share of light in the wings, (fibres, rows)."""
        share, slit, along = OPTICS["wing_share"].value
        v = 2.0 * rows / max(self.geometry.rows - 1, 1) - 1.0
        return share * (1.0 + slit * self.geometry.slit[:, None]) * (1.0 + along * v)[None]

    @property
    def wing_radius(self) -> float:
        """Of the wings, pixels."""
        return _optic("wing_radius")

    def core(self, rows: npt.NDArray, shift: float, reach: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Share of the core's light per pixel.

        Parameters
        ----------
        rows : ndarray of int
        shift : float
            Columns by which the image has moved.
        reach : int
            Pixels either side.

        Returns
        -------
        base : ndarray of intp, shape (rows, fibres)
            Column of the window's middle.
        share : ndarray of float32, shape (rows, fibres, 2 * reach + 1)
        """
        centre = self.centres(rows).T + shift
        base = np.round(centre).astype(np.intp)
        radius = 0.5 * _optic("fibre_diameter")
        v = 2.0 * rows / max(self.geometry.rows - 1, 1) - 1.0
        middle, growth = OPTICS["blur"].value
        blur = middle + growth * 0.5 * (self.geometry.slit[None] ** 2 + v[:, None] ** 2) + 0.08 * v[:, None]
        edges = (base - centre)[:, :, None] + np.arange(-reach, reach + 2) - 0.5
        x = (edges / radius).astype(np.float32)
        coma = (_optic("coma") * self.geometry.slit).astype(np.float32)[None, :, None]
        x *= 1.0 - coma * x / np.sqrt(x**2 + 1.0)
        return base, np.diff(_disc(x, (blur / radius).astype(np.float32)[:, :, None]), axis=2)


_STEP, _END = 0.02, 3.6  # grid of the blurred disc's table, in radii
_BLURS = np.linspace(0.15, 0.65, 26)


@cache
def _disc_table() -> npt.NDArray[np.float32]:
    """Light left of x of a disc seen edge-on and blurred by a Gaussian, for `_BLURS`; (blurs, x), disc radius 1."""
    fine = _STEP / 10.0
    x = np.arange(-_END - 2.0, _END + 2.0 + fine / 2, fine)
    inside = np.clip(x, -1.0, 1.0)
    left = 0.5 + (inside * np.sqrt(1.0 - inside**2) + np.arcsin(inside)) / np.pi
    out = []
    for blur in _BLURS:
        reach = np.arange(-5.0 * blur, 5.0 * blur + fine / 2, fine)
        kernel = np.exp(-0.5 * (reach / blur) ** 2)
        smooth = np.convolve(left - (x > 0), kernel / kernel.sum(), mode="same")
        step = np.convolve((x > 0).astype(float), kernel / kernel.sum(), mode="same")
        grid = np.arange(-_END, _END + _STEP / 2, _STEP)
        out.append(np.interp(grid, x, smooth + step))
    return np.array(out, dtype=np.float32)


def _disc(x: npt.NDArray[np.float32], blur: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Light left of x, bilinear in the table."""
    table = _disc_table()
    at = np.clip((x + _END) / _STEP, 0.0, table.shape[1] - 1.001)
    which = np.clip((blur - _BLURS[0]) / (_BLURS[1] - _BLURS[0]), 0.0, len(_BLURS) - 1.001)
    i, j = at.astype(np.int32), which.astype(np.int32)
    a, b = (at - i).astype(np.float32), (which - j).astype(np.float32)
    flat = table.ravel()
    index = j * table.shape[1] + i
    low = flat[index] * (1.0 - a) + flat[index + 1] * a
    index = index + table.shape[1]
    high = flat[index] * (1.0 - a) + flat[index + 1] * a
    return low * (1.0 - b) + high * b


def make_camera(arm: str, spid: int, geometry: Geometry = LAMOST, seed: int = 0) -> Camera:
    """A camera, drawn once and for all from its name and a seed.

    Parameters
    ----------
    arm : {"blue", "red"}
    spid : int
        Spectrograph, 1 to 16. Both arms see the same fibres with the same efficiencies.
    geometry : Geometry
    seed : int

    Returns
    -------
    Camera

    Raises
    ------
    ConfigurationError
        Another arm.
    """
    if arm not in ARMS:
        raise ConfigurationError(unknown_name("arm", arm, ARMS))
    slit = np.random.default_rng([seed, spid, 0])
    jitter = _optic("fibre_jitter") * slit.standard_normal((2, geometry.fibres))
    scatter = slit.standard_normal(geometry.fibres)
    efficiency = np.exp(_optic("fibre_throughput") * np.clip(scatter, -3.0, 3.0))
    return Camera(arm, spid, seed, geometry, jitter, efficiency / efficiency.mean())
