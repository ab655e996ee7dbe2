"""Cameras as data: bands, filters, seeing, depth, sky, gain and point spread function of each survey's images.

Add a camera by adding one entry to `CAMERAS`. Noise follows from the published brightness of the sky, the electrons that a
nanomaggy gives, and the read noise; the depth that this leads to in the published seeing is held by a test to the published
depth, which nothing else uses.

Looked up when this was written: zero points and sky of the Legacy Surveys, depth of its design, LSST's sky, seeing and zero
points. Recalled from the publications named, and worth a second look: seeing and exposure times of the Legacy Surveys, depths
of BASS and MzLS, SDSS's dark variance, read noise. SDSS's definition of seeing, the light of its wing, and
the way to its noise (from the sky, not from the depth) were settled with the one field in sight that
`benchmarks/sky_noise.py` compares with; no number was taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.catalogs.bands import BandInfo, band_info
from asterism.errors import ConfigurationError, unknown_name
from asterism.surveys.stamps.psf import Psf, adaptive_width, double_gaussian_with_wing, moffat

__all__ = ["CAMERAS", "SDSS", "Camera", "Channel", "camera_named", "camera_of_survey"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """One band of a camera.

    Attributes
    ----------
    band : str
        As in the catalog's metadata.
    response : str
        speclite's name of the filter.
    fwhm : float
        Median seeing, arcsec.
    depth_5sigma : float
        Published depth: AB magnitude of a point source at five standard deviations.
    sky : float
        Brightness of the sky, mag (AB) per square arcsec.
    electrons : float
        Electrons per nanomaggy, all exposures together.
    read_noise : float
        Read and dark noise, electrons per pixel, all exposures together.
    """

    band: str
    response: str
    fwhm: float
    depth_5sigma: float
    sky: float
    electrons: float
    read_noise: float


@dataclass(frozen=True)
class Camera:
    """A camera and the images that its survey publishes.

    Attributes
    ----------
    name : str
        As `camera_named` knows it.
    survey : str
        Of the columns (``image_SURVEY_flux``) and of the constants in `asterism.catalogs.bands`.
    pixel_scale : float
        arcsec.
    stamps : tuple of int
        Sides of the stamps it gives, pixels; the first is the rule.
    measured : int
        Side of the part of a stamp that photometry is measured on, pixels.
    channels : tuple of Channel
        In order of wavelength.
    psf : Psf
        Shape, the pixel included.
    seeing_scatter : (float, float)
        Of ln FWHM: common to the bands, and each band's own.
    ellipticity_scatter : (float, float)
        Of each component: common to the bands, and each band's own.
    sky_scatter : float
        Of ln brightness of the sky.
    rotation : float
        Degrees; the y axis points up to so far from north (scatter), 0 where stamps are resampled north up.
    zero_point : str
        ``sdss`` or ``ab``: what 22.5 mag is one nanomaggy of.
    source : str
        Publications.
    fwhm_ratio : float
        Width of the PSF as the survey's tables of objects give it (``psf_fwhm``) over the seeing of `channels`.
    psf_error : float
        Standard deviation of ln width of the pipeline's model of the PSF, each field and band its own.
    """

    name: str
    survey: str
    pixel_scale: float
    stamps: tuple[int, ...]
    measured: int
    channels: tuple[Channel, ...]
    psf: Psf
    seeing_scatter: tuple[float, float]
    ellipticity_scatter: tuple[float, float]
    sky_scatter: float
    rotation: float
    zero_point: str
    source: str
    fwhm_ratio: float = 1.0
    psf_error: float = 0.0

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands."""
        return tuple(channel.band for channel in self.channels)

    @property
    def infos(self) -> tuple[BandInfo, ...]:
        """Published constants of the bands: extinction, offset from AB."""
        return tuple(band_info(self.survey, band) for band in self.bands)

    @property
    def reference(self) -> int:
        """Index of the band whose model shape holds for all (r, as in SDSS)."""
        return self.bands.index("r")

    @property
    def fwhm(self) -> Floats:
        """Median seeing per band, arcsec."""
        return np.array([channel.fwhm for channel in self.channels])

    @property
    def ab_offset(self) -> Floats:
        """m_AB = m + offset, per band."""
        return np.array([info.ab_offset for info in self.infos])

    @property
    def extinction_coefficient(self) -> Floats:
        """A / E(B-V) per band."""
        return np.array([info.extinction_coefficient for info in self.infos], dtype=np.float64)

    @property
    def electrons(self) -> Floats:
        """Per nanomaggy and band."""
        return np.array([channel.electrons for channel in self.channels])

    @property
    def sky_electrons(self) -> Floats:
        """Electrons of the median sky in a pixel, per band."""
        sky = np.array([channel.sky for channel in self.channels]) - self.ab_offset
        return 10.0 ** (0.4 * (22.5 - sky)) * self.pixel_scale**2 * self.electrons

    @property
    def read_variance(self) -> Floats:
        """Electrons squared in a pixel, per band."""
        return np.array([channel.read_noise for channel in self.channels]) ** 2

    @property
    def pixel_noise(self) -> Floats:
        """Standard deviation of a blank pixel under the median sky per band, nanomaggy."""
        return np.sqrt(self.sky_electrons + self.read_variance) / self.electrons

    @property
    def expected_depth(self) -> Floats:
        """Depth (AB, 5 sigma, point source) in median seeing that this noise leads to."""
        sigma = self.pixel_noise / np.sqrt(self.psf.norm(self.fwhm / self.pixel_scale))
        return 22.5 - 2.5 * np.log10(5.0 * sigma) + self.ab_offset


# Two Gaussians: Stoughton et al. (2002), section 4.3. The wing: Lupton et al. (2001); its exponent of 3 and its share of 7 per
# cent are choices, near the aperture corrections of SDSS's PSF magnitudes.
_SDSS_PSF = double_gaussian_with_wing(2.5, 0.10, 0.07, 3.0, 2.5)
# Atmospheric images with the optics' and the guiding's blur have beta from 2.5 to 4.8 (Saglia et al. 1993, MNRAS 264, 961;
# Trujillo et al. 2001, MNRAS 328, 977); the Legacy Surveys' inner PSF is a Moffat profile too (DR9 page on the PSF).
_DECAM_PSF = moffat(3.5)
_LSST_PSF = moffat(4.0)  # choice: nearer to the atmosphere's own 4.765 (Trujillo et al. 2001), as the optics add little

_DECAM_SOURCE = (
    "Dey et al. 2019, AJ 157, 168 (seeing, pixels of the stacks); Legacy Surveys DR10 description (depth: "
    "24.7, 23.9, 23.0); its survey robot's nominal zero points and sky (26.610, 26.818, 26.484 mag for 1 e/s; 22.04, 20.91, "
    "18.46 mag/arcsec2); i: choice, between r and z"
)


# Ross et al. 2011, MNRAS 417, 1350, section 2.2 (median PSF width of SDSS imaging), taken as effective widths (psfWidth), as SDSS
# defines its seeing (Stoughton et al. 2002, section 4.3).
_SDSS_SEEING = dict(zip("ugriz", (1.53, 1.44, 1.32, 1.26, 1.29), strict=True))
# Of ln width: KL PSF against aperture magnitudes of bright stars scatter by about a per cent, and a width's error is that of the
# flux (Stoughton et al. 2002, section 4.3, recalled).
_SDSS_PSF_ERROR = 0.01


def _electrons(zero_point: float, seconds: float) -> float:
    """Electrons per nanomaggy from the magnitude that gives one electron per second."""
    return float(seconds * 10.0 ** (0.4 * (zero_point - 22.5)))


_DECAM = {
    # Three passes of about the nominal times of DECaLS (Dey et al. 2019, section 5): 70, 50 and 100 s at median sky.
    "g": Channel("g", "decam2014-g", 1.29, 24.7, 22.04, _electrons(26.610, 210.0), 7.0 * 3**0.5),
    "r": Channel("r", "decam2014-r", 1.18, 23.9, 20.91, _electrons(26.818, 150.0), 7.0 * 3**0.5),
    "i": Channel("i", "decam2014-i", 1.14, 23.5, 19.80, _electrons(26.700, 180.0), 7.0 * 3**0.5),
    "z": Channel("z", "decam2014-z", 1.11, 23.0, 18.46, _electrons(26.484, 300.0), 7.0 * 3**0.5),
}


def _legacy_south(name: str, bands: str) -> Camera:
    return Camera(
        name=name,
        survey="legacy",
        pixel_scale=0.262,
        stamps=(152, 64),
        measured=64,
        channels=tuple(_DECAM[band] for band in bands),
        psf=_DECAM_PSF,
        seeing_scatter=(0.10, 0.08),  # choice: bands are taken on different nights, stacks average over exposures
        ellipticity_scatter=(0.01, 0.02),  # choice: a few per cent, near Jarvis et al. 2016, MNRAS 460, 2245
        sky_scatter=0.10,
        rotation=0.0,
        zero_point="ab",
        source=_DECAM_SOURCE,
    )


CAMERAS: dict[str, Camera] = {
    camera.name: camera
    for camera in (
        Camera(
            name="sdss",
            survey="sdss",
            pixel_scale=0.396,  # Gunn et al. 1998, AJ 116, 3040
            stamps=(32, 64),
            measured=32,
            # Electrons: responses of Doi et al. (2010) through 53.9 s and the telescope's clear aperture, of the area of a
            # disc of 2.2 m (Gunn et al. 2006). Noise: medians over the six columns of the DR12 data model's table of gain
            # and dark variance. Sky: DR7 page (r); dark sky at the site (others).
            channels=(
                Channel("u", "sdss2010-u", _SDSS_SEEING["u"], 22.15, 22.15, 154.0, 4.9),
                Channel("g", "sdss2010-g", _SDSS_SEEING["g"], 23.13, 21.85, 1120.0, 5.1),
                Channel("r", "sdss2010-r", _SDSS_SEEING["r"], 22.70, 20.86, 1011.0, 5.1),
                Channel("i", "sdss2010-i", _SDSS_SEEING["i"], 22.20, 20.20, 737.0, 11.9),
                Channel("z", "sdss2010-z", _SDSS_SEEING["z"], 20.71, 18.90, 120.0, 5.0),
            ),
            psf=_SDSS_PSF,
            seeing_scatter=(0.145, 0.04),
            ellipticity_scatter=(0.035, 0.015),
            sky_scatter=0.12,
            rotation=1.0,
            zero_point="sdss",
            source=(
                "Gunn et al. 1998, AJ 116, 3040 (pixels); Ross et al. 2011, MNRAS 417, 1350 (seeing); DR7 seeing page (its "
                "quartiles 1.30, 1.43, 1.58 arcsec in r); DR17 scope page (depth); ellipticity: choice, near Hirata et al. "
                "2004, MNRAS 353, 529; rotation: choice, scans are cut along their stripes"
            ),
            fwhm_ratio=adaptive_width(_SDSS_PSF),
            psf_error=_SDSS_PSF_ERROR,
        ),
        _legacy_south("legacy-south", "grz"),
        _legacy_south("legacy-south-griz", "griz"),
        Camera(
            name="legacy-north",
            survey="legacy",
            pixel_scale=0.262,
            stamps=(152, 64),
            measured=64,
            # Zero points of the survey's robot for Bok (25.80, 25.58) and Mosaic-3 (26.455); exposures of three passes.
            channels=(
                Channel("g", "BASS-g", 1.61, 24.2, 22.04, _electrons(25.80, 300.0), 7.0 * 3**0.5),
                Channel("r", "BASS-r", 1.47, 23.6, 20.91, _electrons(25.58, 300.0), 7.0 * 3**0.5),
                Channel("z", "MzLS-z", 1.01, 23.0, 18.46, _electrons(26.455, 240.0), 8.0 * 3**0.5),
            ),
            psf=_DECAM_PSF,
            seeing_scatter=(0.08, 0.09),
            ellipticity_scatter=(0.01, 0.03),
            sky_scatter=0.10,
            rotation=0.0,
            zero_point="ab",
            source="Dey et al. 2019, AJ 157, 168 (seeing, exposures); Zou et al. 2019, ApJS 245, 4 (depth)",
        ),
        Camera(
            name="lsst",
            survey="lsst",
            pixel_scale=0.2,
            stamps=(64, 128),
            measured=64,
            # Visits of 30 s: 56, 80, 184, 184, 160, 160. Zero points: Rubin SMTN-002, v2024-03. Read noise 8.8 e.
            channels=(
                Channel("u", "lsst2023-u", 0.92, 26.1, 22.99, _electrons(26.52, 30.0 * 56), 8.8 * 56**0.5),
                Channel("g", "lsst2023-g", 0.87, 27.4, 22.26, _electrons(28.51, 30.0 * 80), 8.8 * 80**0.5),
                Channel("r", "lsst2023-r", 0.83, 27.5, 21.20, _electrons(28.36, 30.0 * 184), 8.8 * 184**0.5),
                Channel("i", "lsst2023-i", 0.80, 26.8, 20.48, _electrons(28.17, 30.0 * 184), 8.8 * 184**0.5),
                Channel("z", "lsst2023-z", 0.78, 26.1, 19.60, _electrons(27.78, 30.0 * 160), 8.8 * 160**0.5),
                Channel("y", "lsst2023-y", 0.76, 24.9, 18.61, _electrons(26.82, 30.0 * 160), 8.8 * 160**0.5),
            ),
            psf=_LSST_PSF,
            seeing_scatter=(0.03, 0.03),  # choice: means over many visits differ little
            ellipticity_scatter=(0.005, 0.01),  # choice: visits average out
            sky_scatter=0.05,
            rotation=0.0,
            zero_point="ab",
            source="Ivezić et al. 2019, ApJ 873, 111, tables 1 and 2 (ten-year depth, visits, sky, seeing); SMTN-002",
        ),
    )
}
"""Cameras by name."""

SDSS: Camera = CAMERAS["sdss"]
"""The camera of the SDSS's imaging survey."""

_OF_SURVEYS = (("sdss", "sdss"), ("lamost", "sdss"), ("desi", "legacy-south"), ("lsst", "lsst"))


def camera_named(name: str) -> Camera:
    """The camera of that name.

    Raises
    ------
    ConfigurationError
        There is none; the sentence names the nearest.
    """
    camera = CAMERAS.get(name)
    if camera is None:
        raise ConfigurationError(unknown_name("camera", name, CAMERAS))
    return camera


def camera_of_survey(survey: str) -> Camera:
    """The camera that took the images which a survey's objects were chosen from.

    Parameters
    ----------
    survey : str
        Name, as `asterism.simulate.objects.selection.SURVEYS` has it; what begins with ``desi`` is seen by the Legacy Surveys,
        ``lamost`` by SDSS.

    Returns
    -------
    Camera

    Examples
    --------
    >>> camera_of_survey("sdss-compact").name, camera_of_survey("desi-main").name
    ('sdss', 'legacy-south')
    """
    for beginning, name in _OF_SURVEYS:
        if survey.startswith(beginning):
            return CAMERAS[name]
    return SDSS
