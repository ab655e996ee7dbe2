"""Every constant of the simulated sky, each with its unit and the publication it comes from, in one list.

None is fitted to a table that the simulator is scored on. Where no publication fixes a number, its source says
``choice`` and why, so that what is guessed can be told from what is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asterism.errors import ConfigurationError, unknown_name

__all__ = ["CONSTANTS", "Constant", "constant"]


@dataclass(frozen=True)
class Constant:
    """A number (or a short table of numbers) of the simulator.

    Attributes
    ----------
    name : str
        What the code asks for.
    value : float or tuple
        The number, or a table of numbers.
    unit : str
        Its unit; empty where it has none.
    source : str
        Publication, or ``choice: reason``.
    """

    name: str
    value: Any
    unit: str
    source: str


_JURIC = "Jurić et al. 2008, ApJ 673, 864, table 10 (bias-corrected)"
_IVEZIC = "Ivezić et al. 2008, ApJ 684, 287"
_COVEY = "Covey et al. 2007, AJ 134, 2398, polynomials of the median stellar locus in g-i"
_LOVEDAY = "Loveday et al. 2012, MNRAS 420, 1239, table 5 (r band at z = 0.1)"
_SHEN = "Shen et al. 2003, MNRAS 343, 978, table 1 (half-light radius against r-band magnitude)"
_WEL = "van der Wel et al. 2014, ApJ 788, 28, size evolution at fixed mass"
_ROSS = "Ross et al. 2013, ApJ 773, 14, table 8 (PLE at 0.3 < z < 2.2, LEDE at 2.2 < z < 3.5)"
_VANDEN_BERK = "Vanden Berk et al. 2001, AJ 122, 549"
_PSF = "Ross et al. 2011, MNRAS 417, 1350, section 2.2 (median PSF width of SDSS imaging)"

_LIST = (
    # --- the sky -----------------------------------------------------------------------------------
    Constant("footprint_ra", (120.0, 240.0), "deg", "York et al. 2000, AJ 120, 1579: inside SDSS's northern cap"),
    Constant("footprint_dec", (0.0, 60.0), "deg", "York et al. 2000, AJ 120, 1579: inside SDSS's northern cap"),
    Constant("footprint_min_latitude", 30.0, "deg", "York et al. 2000, AJ 120, 1579: |b| > 30 deg"),
    Constant("mjd", (51464.0, 55153.0), "d", "SDSS imaging, September 1998 to November 2009 (Aihara et al. 2011)"),
    Constant("ebv_pole", 0.020, "mag", "Schlegel et al. 1998, ApJ 500, 525: E(B-V) of a cosecant law at high latitude"),
    Constant("ebv_scatter", 0.45, "dex of e", "choice: patchiness of the high-latitude cirrus, log-normal"),
    Constant("ebv_map_error", 0.16, "fraction", "Schlegel et al. 1998, ApJ 500, 525: the map holds to 16 per cent"),
    # --- stars: where they are ---------------------------------------------------------------------
    Constant("sun_radius", 8000.0, "pc", _JURIC),
    Constant("sun_height", 25.0, "pc", _JURIC),
    Constant("thin_scale_height", 300.0, "pc", _JURIC),
    Constant("thin_scale_length", 2600.0, "pc", _JURIC),
    Constant("thick_scale_height", 900.0, "pc", _JURIC),
    Constant("thick_scale_length", 3600.0, "pc", _JURIC),
    Constant("thick_fraction", 0.12, "", _JURIC),
    Constant("halo_fraction", 0.0051, "", _JURIC),
    Constant("halo_slope", 2.77, "", _JURIC),
    Constant("halo_flattening", 0.64, "", _JURIC),
    # --- stars: what they are ----------------------------------------------------------------------
    Constant(
        "luminosity_function",
        (
            (0.0, 4),
            (1.0, 14),
            (2.0, 24),
            (3.0, 43),
            (4.0, 78),
            (5.0, 108),
            (6.0, 121),
            (7.0, 102),
            (8.0, 132),
            (9.0, 159),
            (10.0, 245),
            (11.0, 341),
            (12.0, 512),
            (13.0, 597),
            (14.0, 427),
            (15.0, 427),
            (16.0, 299),
        ),
        "M_V, stars per mag within 20 pc",
        "Jahreiß & Wielen 1997, ESA SP-402, 675 (as Binney & Merrifield 1998, table 3.16)",
    ),
    Constant("disc_feh_far", -0.82, "dex", _IVEZIC + ", equation 17: median [Fe/H] of the disc far from the plane"),
    Constant("disc_feh_rise", 0.55, "dex", _IVEZIC + ", equation 17"),
    Constant("disc_feh_height", 500.0, "pc", _IVEZIC + ", equation 17"),
    Constant("disc_feh_scatter", 0.20, "dex", _IVEZIC + ", section 4"),
    Constant("halo_feh", (-1.46, 0.30), "dex", _IVEZIC + ", section 4: mean and scatter"),
    Constant(
        "photometric_parallax", (-5.06, 14.32, -12.97, 6.127, -1.267, 0.0967), "mag", _IVEZIC + ", equation A7 in g-i"
    ),
    Constant("parallax_metallicity", (4.50, -1.11, -0.18), "mag", _IVEZIC + ", equation A2 in [Fe/H]"),
    Constant("turn_off_thick", 0.40, "mag, g-i", _JURIC + "; turn-off of the thick disc at g-r = 0.33"),
    Constant("turn_off_halo", 0.25, "mag, g-i", _JURIC + "; turn-off of the halo at g-r = 0.2"),
    Constant("teff_colour", (3.882, -0.316, 0.0488, 0.0283), "log10 K", _IVEZIC + ", equation 3 in g-r"),
    Constant(
        "teff_m_dwarfs",
        (
            (0.66, 3850.0),
            (0.84, 3660.0),
            (1.00, 3560.0),
            (1.21, 3430.0),
            (1.46, 3210.0),
            (1.91, 3060.0),
            (2.13, 2810.0),
            (2.46, 2680.0),
        ),
        "r-i, K",
        "West et al. 2011, AJ 141, 97 (colours of M0 to M7) with Pecaut & Mamajek 2013, ApJS 208, 9 (temperatures)",
    ),
    Constant("locus_u_g", (1.0636113, -1.6267818, 4.9389572, -3.2809081, 0.8725109, -0.0828035), "mag", _COVEY),
    Constant("locus_g_r", (0.4290263, -0.8852323, 2.0740616, -1.1091553, 0.2397461, -0.0183195), "mag", _COVEY),
    Constant("locus_r_i", (-0.4113500, 1.8229991, -1.9989772, 1.0662075, -0.2284455, 0.0172212), "mag", _COVEY),
    Constant("locus_i_z", (-0.2270331, 0.7794558, -0.7350749, 0.3727802, -0.0735412, 0.0049808), "mag", _COVEY),
    Constant("locus_blue_end", 0.55, "mag, g-i", "choice: bluewards the polynomials leave the locus; Vega anchors it"),
    Constant(
        "metallicity_colour",
        (-13.13, 14.09, 28.04, -5.51, -5.90, -58.68, 9.14, -20.61, 58.20),
        "dex",
        "Bond et al. 2010, ApJ 716, 1, equation A1: [Fe/H] of u-g and g-r",
    ),
    Constant("locus_feh", -0.7, "dex", _IVEZIC + ", section 4: typical [Fe/H] of the stars that define the locus"),
    Constant("locus_width", 0.02, "mag", "Ivezić et al. 2004, AN 325, 583: width of the locus"),
    Constant("horizontal_branch_teff", (7400.0, 10500.0), "K", "choice: blue horizontal branch, near Xue et al. 2008"),
    Constant(
        "white_dwarf_teff", (6500.0, 40000.0), "K", "choice: range of most DA of Kleinman et al. 2013, ApJS 204, 5"
    ),
    Constant("helium_fraction", 0.08, "", "choice: near DB against DA of Kleinman et al. 2013, ApJS 204, 5"),
    Constant("star_velocity", 120.0, "km/s", "choice: near the halo's dispersion, Smith et al. 2009, MNRAS 399, 1223"),
    # --- galaxies ----------------------------------------------------------------------------------
    Constant("red_luminosity_function", (-20.34, -0.57, 1.11e-2, 1.8, -1.2), "M*, alpha, phi*, Q, P", _LOVEDAY),
    Constant("blue_luminosity_function", (-20.45, -1.49, 0.38e-2, 0.8, 2.9), "M*, alpha, phi*, Q, P", _LOVEDAY),
    Constant("evolution_limit", 0.6, "z", "choice: Loveday et al. fit z < 0.5; evolution is frozen beyond"),
    Constant("red_type", (0.12, 0.22), "mean, scatter", "choice: E (0) to Sbc (1) of Coleman, Wu & Weedman 1980"),
    Constant("blue_type", (1.7, 0.7), "mean, scatter", "choice: Sbc (1) to Im (3) of Coleman, Wu & Weedman 1980"),
    Constant("blue_type_luminosity", 0.25, "per mag", "choice: fainter blue galaxies are of later type"),
    Constant("galaxy_tilt", 0.05, "mag", "choice: width of the red sequence in g-r, Baldry et al. 2004, ApJ 600, 681"),
    Constant("galaxy_dust", 0.10, "mag", "choice: mean E(B-V) of the stars in late types, exponential tail"),
    Constant("late_size", (0.21, 0.53, -1.31, -20.52, 0.48, 0.25), "alpha, beta, gamma, M0, sigma1, sigma2", _SHEN),
    Constant("early_size", (0.60, -4.63, -20.52, 0.48, 0.25), "a, b, M0, sigma1, sigma2", _SHEN),
    Constant("size_evolution", (-1.48, -0.75), "early, late", _WEL),
    Constant("size_pivot", 0.1, "z", _SHEN + "; median redshift of that sample"),
    Constant("disc_thickness", 0.2, "axis ratio", "Ryden 2004, ApJ 601, 214: intrinsic thickness of discs"),
    Constant("spheroid_axis_ratio", (0.75, 0.15), "mean, scatter", "Padilla & Strauss 2008, MNRAS 388, 1321"),
    Constant(
        "bulge_size",
        0.35,
        "of the half-light radius",
        "choice: a typical spiral, near Simard et al. 2011, ApJS 196, 11",
    ),
    Constant("galaxy_redshifts", (0.005, 1.1), "z", "choice: range of galaxies in SDSS and eBOSS spectroscopy"),
    # --- quasars -----------------------------------------------------------------------------------
    Constant("quasar_ple", (-22.85, -1.16, -3.37, -5.96, 1.241, -0.249), "M*, alpha, beta, log phi*, k1, k2", _ROSS),
    Constant("quasar_lede", (-26.57, -1.29, -3.51, -5.93, -0.689, -0.809), "M*, alpha, beta, log phi*, c1, c2", _ROSS),
    Constant("quasar_redshifts", (0.3, 4.8), "z", "choice: fainter nuclei below 0.3 are seen as galaxies"),
    Constant(
        "quasar_slope",
        (-0.46, 0.30),
        "alpha_nu",
        _VANDEN_BERK + " (mean); Richards et al. 2001 (scatter)",
    ),
    Constant(
        "quasar_break",
        (4860.0, -0.2),
        "Å, alpha_lambda",
        "choice: between the composite's 0.42, which holds hosts (Vanden Berk et al. 2001), and no break",
    ),
    Constant("quasar_dust", 0.03, "mag", "choice: SMC-like E(B-V), exponential tail, near Hopkins et al. 2004"),
    Constant(
        "quasar_line_scatter", 0.18, "dex", "choice: near the scatter of widths in Shen et al. 2011, ApJS 194, 45"
    ),
    Constant("baldwin_slope", -0.17, "log EW / log L", "Baldwin 1977, ApJ 214, 679; Kinney et al. 1990, ApJ 357, 338"),
    Constant("igm_scatter", 0.15, "fraction", "choice: sightline scatter of the effective depth in a broad band"),
    # --- the camera --------------------------------------------------------------------------------
    Constant("pixel_scale", 0.396, "arcsec", "Gunn et al. 1998, AJ 116, 3040"),
    Constant("psf_fwhm", (1.53, 1.44, 1.32, 1.26, 1.29), "arcsec, ugriz", _PSF),
    Constant("psf_scatter", 0.145, "of ln FWHM", "SDSS DR7, seeing page: r quartiles 1.30, 1.43, 1.58 arcsec"),
    Constant("psf_band_scatter", 0.04, "of ln FWHM", "choice: after Stoughton et al. 2002, AJ 123, 485, section 4.3"),
    Constant("psf_wing", (2.5, 0.10), "sigma ratio, peak ratio", "Stoughton et al. 2002, section 4.3: double Gaussian"),
    Constant(
        "sky_brightness",
        (22.15, 21.85, 20.86, 20.20, 18.90),
        "mag/arcsec2, ugriz",
        "SDSS DR7, sky page (r); choice: dark sky at the site (others)",
    ),
    Constant("sky_scatter", 0.12, "of ln brightness", "SDSS DR7, sky page: r quartiles 20.70, 20.86, 21.03"),
    Constant("astrometric_error", 0.05, "arcsec", "Pier et al. 2003, AJ 125, 1559"),
    # --- labels ------------------------------------------------------------------------------------
    Constant(
        "redshift_error",
        (1e-5, 3e-5, 1e-3),
        "star, galaxy, quasar",
        "choice: near the pipeline errors of Bolton et al. 2012, AJ 144, 144, over 1+z",
    ),
)

CONSTANTS: dict[str, Constant] = {entry.name: entry for entry in _LIST}
"""All constants by name."""


def constant(name: str) -> Any:
    """Value of a constant.

    Raises
    ------
    ConfigurationError
        There is none of that name; the sentence names the nearest.

    Examples
    --------
    >>> constant("pixel_scale")
    0.396
    """
    entry = CONSTANTS.get(name)
    if entry is None:
        raise ConfigurationError(unknown_name("constant of the simulator", name, CONSTANTS))
    return entry.value
