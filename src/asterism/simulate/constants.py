"""Every constant of the simulated sky, each with its unit and the publication it comes from, in one list.

None is fitted to a table that the simulator is scored on. Where looks at such tables had moved a number of the population by hand, it
was given a published source or set back (docs/results/simulator.md, "What was looked at").
Where no publication fixes a number, its source says ``choice`` and why, so that what is guessed can be told from what is known.
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
_SMITH = "Smith et al. 2017, MNRAS 470, 4646, section 6 (after Skibba & Sheth 2009)"
_SHEN = "Shen et al. 2003, MNRAS 343, 978, table 1 (half-light radius against r-band magnitude)"
_WEL = "van der Wel et al. 2014, ApJ 788, 28, size evolution at fixed mass"
_ROSS = "Ross et al. 2013, ApJ 773, 14, table 8 (PLE at 0.3 < z < 2.2, LEDE at 2.2 < z < 3.5)"
_VANDEN_BERK = "Vanden Berk et al. 2001, AJ 122, 549"

_LIST = (
    # --- the sky -----------------------------------------------------------------------------------
    Constant(
        "footprint",
        ((115.0, 255.0, -2.0, 62.0, 0.70), (-42.0, 40.0, -5.0, 32.0, 0.30)),
        "deg: ra, ra, dec, dec; share",
        "Dawson et al. 2013, AJ 145, 10: northern and southern cap of BOSS, 7600 and 3000 deg2",
    ),
    Constant("footprint_min_latitude", 22.0, "deg", "Dawson et al. 2013, AJ 145, 10, figure 1: least |b|"),
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
    Constant("hot_subdwarf_teff", (24000.0, 38000.0), "K", "Geier 2020, A&A 635, A193: range of most sdB"),
    Constant("giant_feh", (-1.3, 0.5), "dex", "choice: between thick disc and halo, " + _IVEZIC),
    Constant("carbon_colour", (1.1, 2.2), "mag, g-i", "Green 2013, ApJ 765, 12: range of most faint carbon stars"),
    Constant(
        "cataclysmic_teff",
        (9000.0, 20000.0),
        "K",
        "choice: of one black body with the colours of most; Szkody et al. 2011, AJ 142, 181",
    ),
    Constant("star_velocity", 120.0, "km/s", "choice: near the halo's dispersion, Smith et al. 2009, MNRAS 399, 1223"),
    # --- galaxies ----------------------------------------------------------------------------------
    Constant("galaxy_luminosity_function", (-20.70, -1.23, 0.94e-2, 0.7, 1.8), "M*, alpha, phi*, Q, P", _LOVEDAY),
    Constant("evolution_limit", 0.6, "z", "choice: Loveday et al. fit z < 0.5; evolution is frozen beyond"),
    Constant("typical_type", (0.1, 1.0), "red, blue", "choice: E (0) to Im (3), for the K-corrections of cells"),
    Constant("red_sequence", (0.932, -0.032, -0.18), "g-r at 0.1: at M = -20, per mag, per z", _SMITH),
    Constant("red_sequence_width", (0.07, 0.01, 0.05, 0.1), "mag: at M = -20, per mag, per z, per z2", _SMITH),
    Constant("blue_sequence", (0.62, -0.11, -0.25), "g-r at 0.1: at M = -20, per mag, per z", _SMITH),
    Constant("blue_sequence_faint", (0.4, -0.0286), "g-r at 0.1: at M = -16, per mag", _SMITH),
    Constant("blue_sequence_width", (0.12, 0.02, 0.15, 0.2), "mag: at M = -20, per mag, highest, per z", _SMITH),
    Constant("blue_fraction", (0.46, 0.07), "at M = -20, per mag", "Skibba & Sheth 2009, MNRAS 392, 1080"),
    Constant("blue_fraction_faint", (0.2, 4.4, 1.2, 0.5, 4.45), "per mag, offset, per z, per z2, least", _SMITH),
    Constant("sequence_limit", 0.4, "z", _SMITH + ": colours are frozen beyond"),
    Constant("galaxy_tilt", 0.02, "mag", "choice: scatter of g-i at one type; the sequences' width is in g-r"),
    Constant("galaxy_line_redshift", 0.1, "z", "choice: where most of SDSS's galaxies are"),
    Constant(
        "galaxy_line",
        ((1.866, 1.645, 0.952), 0.185, 0.217),
        "u-g (value, slope, at g-r); slopes of r-i, i-z in g-r; at z = 0.1",
        "idlspec2d eigenspectra (Bolton et al. 2012, AJ 144, 144): spEigenGal-53724, first vector (value), "
        "spEigenGal-56436, first vector and with its second down to g-r = 0.70 (slopes)",
    ),
    Constant(
        "galaxy_break",
        0.30,
        "mag: g-r at z = 0.2 minus g-r at z = 0.1",
        "Chilingarian et al. 2010, MNRAS 405, 1409: K-corrections in g and r, the same for g-r of 0.35 to 0.77 at z = 0",
    ),
    Constant(
        "halo_star_slope",
        0.05,
        "dex of counts per mag",
        "Deason et al. 2011, MNRAS 416, 2903: density as r^-2.3 to 27 kpc, steeper beyond",
    ),
    Constant("galaxy_dust", 0.10, "mag", "choice: mean E(B-V) of the stars in late types, exponential tail"),
    Constant("red_dust", 0.2, "of the late types'", "choice: early types have little dust"),
    Constant("agn_fraction", 0.18, "", "Kauffmann et al. 2003, MNRAS 346, 1055: 22,623 of 122,808 galaxies"),
    Constant(
        "seyfert_fraction",
        2411 / (2411 + 6005),
        "of nuclei",
        "Kewley et al. 2006, MNRAS 372, 961: 2411 Seyferts and 6005 LINERs of 85,224 galaxies with emission lines",
    ),
    Constant(
        "composite_fraction",
        5870 / (5870 + 2411 + 6005),
        "of nuclei",
        "Kewley et al. 2006: 5870 composites beside 2411 Seyferts and 6005 LINERs",
    ),
    Constant(
        "agn_share",
        (0.03, 0.2, 0.7),
        "of the Balmer lines: least, border of composites, most",
        "Stasińska et al. 2006, MNRAS 371, 972: 3 per cent of H alpha at the border of Kauffmann et al. (2003), 20 at that of "
        "Kewley et al. (2001); Thomas et al. 2018, ApJ 861, L2: 30 per cent from H II regions in the purest; even in logarithm",
    ),
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
    Constant("galaxy_redshifts", (0.005, 2.2), "z", "choice: where the templates end in u"),
    # --- quasars -----------------------------------------------------------------------------------
    Constant("quasar_ple", (-22.85, -1.16, -3.37, -5.96, 1.241, -0.249), "M*, alpha, beta, log phi*, k1, k2", _ROSS),
    Constant("quasar_lede", (-26.57, -1.29, -3.51, -5.93, -0.689, -0.809), "M*, alpha, beta, log phi*, c1, c2", _ROSS),
    Constant(
        "quasar_redshifts", (0.06, 4.8), "z", "Schneider et al. 2010, AJ 139, 2360: least redshift of DR7's quasars"
    ),
    Constant("seyfert_limit", -21.5, "M_i at z = 2", "Schneider et al. 2010: M_i = -22, here without the host"),
    Constant(
        "quasar_host",
        (0.8052, -1.5502, 0.9121, -0.1577),
        "host over quasar at 5100 Å against log L - 44",
        "Shen et al. 2011, ApJS 194, 45, equation 1",
    ),
    Constant("quasar_host_scatter", 0.25, "dex", "choice: near the scatter in figure 4 of Shen et al. 2011"),
    Constant(
        "quasar_host_type", (0.7, 0.5), "mean, scatter", "Matsuoka et al. 2014, ApJ 780, 162: green to blue hosts"
    ),
    Constant(
        "quasar_slope",
        (-0.20, 0.30),
        "alpha_nu",
        _VANDEN_BERK + ": mean -0.46, of which -0.26 is our dust's; Richards et al. 2001, AJ 121, 2308 (scatter)",
    ),
    Constant(
        "quasar_break",
        (4860.0, -1.80),
        "Å, alpha_lambda",
        "choice: no break but for the dust, hosts apart; between Glikman et al. 2006, ApJ 640, 579 (alpha_nu = -0.37 to "
        "8500 Å) and Temple et al. 2021, MNRAS 508, 737 (0.59)",
    ),
    Constant("quasar_dust", 0.03, "mag", "choice: SMC-like E(B-V), exponential tail, near Hopkins et al. 2004"),
    Constant(
        "quasar_line_scatter", 0.22, "dex", "choice: near the scatter of widths in Shen et al. 2011, ApJS 194, 45"
    ),
    Constant("baldwin_slope", -0.17, "log EW / log L", "Baldwin 1977, ApJ 214, 679; Kinney et al. 1990, ApJ 357, 338"),
    Constant("igm_scatter", 0.15, "fraction", "choice: sightline scatter of the effective depth in a broad band"),
    Constant(
        "candidate_quasars",
        (25.0, 110.0),
        "deg^-2",
        "Palanque-Delabrouille et al. 2016, A&A 587, A41: g < 22 at z 2.2 to 3.5 and 0.9 to 3.5, rounded",
    ),
    Constant(
        "candidate_magnitudes",
        (18.0, 22.0),
        "mag, r",
        "Ross et al. 2012, ApJS 199, 3: quasar candidates of BOSS, rounded; the stars among them are the star-count model's",
    ),
    Constant(
        "candidate_hot_stars",
        17.7,
        "deg^-2",
        "4208 stars with colours of A stars at 15 < g < 22 in 370 deg2, 11.4 (Yanny et al. 2000, ApJ 540, 825), and 260,000 "
        "white dwarfs in 41,253 deg2, 6.3 (Gentile Fusillo et al. 2019, MNRAS 482, 4570)",
    ),
    Constant(
        "candidate_probability",
        (0.02, 0.2),
        "least of a target: BOSS, eBOSS",
        "BOSS: 40 targets per deg2 (Ross et al. 2012, ApJS 199, 3), of which 40 per cent are quasars (Kirkpatrick et al. 2011, "
        "ApJ 743, 125), so 24 that are not; at 0.02 this likelihood with the star-count model takes 18 of the main sequence and "
        "hot ones besides. eBOSS: Myers et al. 2015, ApJS 221, 27",
    ),
    # --- the camera --------------------------------------------------------------------------------
    Constant("astrometric_error", 0.05, "arcsec", "Pier et al. 2003, AJ 125, 1559"),
    Constant(
        "decals_noise", 0.08, "nanomaggy", "Dey et al. 2019, AJ 157, 168: exponential galaxies in g, r, z, rounded"
    ),
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
    >>> constant("astrometric_error")
    0.05
    """
    entry = CONSTANTS.get(name)
    if entry is None:
        raise ConfigurationError(unknown_name("constant of the simulator", name, CONSTANTS))
    return entry.value
