"""What DESI selected a target for: bits of its target masks as names.

Bits are those of desitarget (Myers et al. 2023, AJ 165, 50): ``targetmask.yaml`` of the main survey, of survey validation
(``sv1``, ``sv2``, ``sv3``) and of commissioning (``cmx``). Selections that differ only by the imaging they were tuned for
(``…_NORTH``, ``…_SOUTH``) and secondary programmes (one bit says that there is one) have no names here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["TARGET_COLUMNS", "phase_of", "target_names"]

_CALIBRATION = """
SKY:32 STD_FAINT:33 STD_WD:34 STD_BRIGHT:35 BAD_SKY:36 SUPP_SKY:37 NO_TARGET:49 BRIGHT_OBJECT:50 IN_BRIGHT_OBJECT:51
NEAR_BRIGHT_OBJECT:52 BGS_ANY:60 MWS_ANY:61 SCND_ANY:62
"""
_GAIA = "GAIA_STD_FAINT:33 GAIA_STD_WD:34 GAIA_STD_BRIGHT:35 BACKUP_BRIGHT:60 BACKUP_FAINT:61 BACKUP_VERY_FAINT:62"
_BGS = "BGS_FAINT:0 BGS_BRIGHT:1 BGS_WISE:2 BGS_FAINT_HIP:3"
_MWS = "MWS_BROAD:0 MWS_WD:1 MWS_NEARBY:2 MWS_BHB:6 MWS_MAIN_BLUE:8 MWS_MAIN_RED:11"

_TABLES = {
    "DESI_TARGET": f"LRG:0 ELG:1 QSO:2 LGE:3 QSO_HIZ:4 ELG_LOP:5 ELG_HIP:6 ELG_VLO:7 {_CALIBRATION}",
    "BGS_TARGET": _BGS,
    "MWS_TARGET": f"""
    {_MWS} MWS_FAINT_BLUE:14 MWS_FAINT_RED:17 MWS_EXT:20 MWS_STREAM_PM1:21 MWS_STREAM_PM2:22 MWS_STREAM_PM3:23
    MWS_DSPH_PM1:24 MWS_DSPH_PM2:25 MWS_DSPH_PM3:26 MWS_UFD_PM1:27 MWS_UFD_PM2:28 MWS_UFD_PM3:29 MWS_PM_ONLY:30
    MWS_FAINT_NO_PM:31 MWS_FILLER:32 MWS_GD1:36 MWS_ORPHAN:37 MWS_BOOTES_1:38 MWS_CANES_VENATICI_1:39 MWS_DRACO_1:40
    MWS_SEXTANS_1:41 MWS_URSA_MINOR_1:42 MWS_FAINT_CMD:43 MWS_PAL5:44 MWS_C19:45 M31_GIANT:50 M31_QSO:51
    M31_SPECIAL:52 M31_BRIGHT:53 M31_FILLER:54 BACKUP_DIB:57 BACKUP_GIANT_LOP:58 BACKUP_GIANT:59 {_GAIA}
    """,
    "SV1_DESI_TARGET": f"""
    LRG:0 ELG:1 QSO:2 LRG_OPT:3 LRG_IR:4 LRG_SV_OPT:5 LRG_SV_IR:6 LOWZ_FILLER:7 ELG_SV_GTOT:8 ELG_SV_GFIB:9
    ELG_FDR_GTOT:10 ELG_FDR_GFIB:11 QSO_COLOR_4PASS:12 QSO_RF_4PASS:13 QSO_COLOR_8PASS:14 QSO_RF_8PASS:15 QSO_HZ_F:16
    QSO_Z5:17 {_CALIBRATION}
    """,
    "SV1_BGS_TARGET": """
    BGS_FAINT:0 BGS_BRIGHT:1 BGS_FAINT_EXT:2 BGS_LOWQ:3 BGS_FIBMAG:4 BGS_KNOWN_ANY:40 BGS_KNOWN_COLLIDED:41
    BGS_KNOWN_SDSS:42 BGS_KNOWN_BOSS:43
    """,
    "SV1_MWS_TARGET": f"MWS_MAIN_BROAD:0 MWS_WD:1 MWS_NEARBY:2 MWS_BHB:6 MWS_MAIN_FAINT:14 {_GAIA}",
    "SV2_DESI_TARGET": f"LRG:0 ELG:1 QSO:2 QSO_HIZ:4 {_CALIBRATION}",
    "SV2_BGS_TARGET": _BGS,
    "SV2_MWS_TARGET": f"{_MWS} {_GAIA}",
    "SV3_DESI_TARGET": f"LRG:0 ELG:1 QSO:2 QSO_HIZ:4 ELG_LOP:5 ELG_HIP:6 {_CALIBRATION}",
    "SV3_BGS_TARGET": _BGS,
    "SV3_MWS_TARGET": f"{_MWS} {_GAIA}",
    "CMX_TARGET": """
    STD_GAIA:0 SV0_STD_FAINT:1 SV0_STD_BRIGHT:2 STD_TEST:3 STD_CALSPEC:4 SV0_BGS:8 SV0_MWS:9 SV0_LRG:10 SV0_ELG:11
    SV0_QSO:12 SV0_WD:13 BACKUP:16 M31_STD_BRIGHT:17 M31_H2PN:18 M31_GC:19 M31_VAR:20 M31_QSO:21 M31_BSPL:22
    M31_M31cen:23 M31_M31out:24 SKY:32 STD_FAINT:33 STD_BRIGHT:35 BAD_SKY:36 SUPP_SKY:37
    """,
}
_BITS: dict[str, list[tuple[str, int]]] = {
    column: [(name, int(bit)) for name, _, bit in (word.partition(":") for word in table.split())]
    for column, table in _TABLES.items()
}

TARGET_COLUMNS = tuple(_BITS)
"""Columns of a fibre map that hold target bits."""


def target_names(masks: Mapping[str, int]) -> list[str]:
    """Names of the selections of one target.

    Parameters
    ----------
    masks : mapping of str to int
        Values of columns of `TARGET_COLUMNS`.

    Returns
    -------
    list of str
        In the order of `TARGET_COLUMNS` and of the bits, each once.

    Examples
    --------
    >>> target_names({"DESI_TARGET": 1 << 60 | 1 << 2, "BGS_TARGET": 2})
    ['QSO', 'BGS_ANY', 'BGS_BRIGHT']
    """
    found: dict[str, None] = {}
    for column, bits in _BITS.items():
        mask = int(masks.get(column, 0))
        if mask:
            found.update((name, None) for name, bit in bits if mask >> bit & 1)
    return list(found)


def phase_of(column: Callable[[str], npt.NDArray | None]) -> str:
    """Phase of the survey that a fibre map is of, by which of its columns of target bits says something.

    Parameters
    ----------
    column : callable
        Gives a column's values by its name; None where there is none.

    Returns
    -------
    str
        ``main``, ``sv1``, ``sv2``, ``sv3``, ``cmx``, or empty where no target has a bit.
    """
    for phase in ("cmx", "sv1", "sv2", "sv3", "main"):
        stem = "" if phase == "main" else f"{phase.upper()}_"
        names = ["CMX_TARGET"] if phase == "cmx" else [f"{stem}{kind}_TARGET" for kind in ("DESI", "BGS", "MWS")]
        if any(np.any(values) for name in names if (values := column(name)) is not None):
            return phase
    return ""
