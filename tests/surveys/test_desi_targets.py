"""Target bits as names."""

import numpy as np

from asterism.surveys.desi_targets import TARGET_COLUMNS, phase_of, target_names
from asterism.surveys.formats.desi_spectra import BGS_BITS, DESI_BITS, MWS_BITS


def test_names_are_those_of_the_bits_that_the_simulator_writes():
    for column, bits in (("DESI_TARGET", DESI_BITS), ("BGS_TARGET", BGS_BITS), ("MWS_TARGET", MWS_BITS)):
        for name, bit in bits.items():
            assert target_names({column: bit}) == [name]


def test_phases_have_bits_of_their_own_and_classes_overlap():
    assert target_names({"SV1_DESI_TARGET": 13194944852742})[:2] == ["ELG", "QSO"]
    assert target_names({"SV1_DESI_TARGET": 1 << 8}) == ["ELG_SV_GTOT"]
    assert target_names({"DESI_TARGET": 1 << 8, "SV3_DESI_TARGET": 1 << 8}) == []  # north and south are not told
    assert target_names({"CMX_TARGET": 1 << 12, "DESI_TARGET": 1 << 2}) == ["QSO", "SV0_QSO"]
    assert target_names({"SV3_BGS_TARGET": 2, "BGS_TARGET": 2, "OTHER": 1}) == ["BGS_BRIGHT"]
    assert target_names({"MWS_TARGET": -(1 << 62)}) == ["BACKUP_VERY_FAINT"]  # the sign bit is none of ours


def test_every_bit_has_one_name():
    for column in TARGET_COLUMNS:
        names = [target_names({column: 1 << bit}) for bit in range(63)]
        assert all(len(found) <= 1 for found in names)
        assert len({found[0] for found in names if found}) == sum(map(bool, names)) > 0


def test_the_phase_is_that_of_the_bits():
    columns = {"SV1_DESI_TARGET": np.array([0, 4]), "DESI_TARGET": np.array([0, 0])}
    assert phase_of(columns.get) == "sv1"
    assert phase_of({"BGS_TARGET": np.array([2])}.get) == "main"
    assert phase_of({}.get) == ""
