"""Every constant says where it comes from."""

import re
from pathlib import Path

import pytest

import asterism.simulate.constants as module
from asterism.errors import ConfigurationError
from asterism.simulate.constants import CONSTANTS, constant


@pytest.mark.parametrize("entry", CONSTANTS.values(), ids=lambda entry: entry.name)
def test_each_has_a_publication_or_says_that_it_is_a_choice(entry):
    assert re.search(r"\b(19|20)\d\d\b|^choice: .{10,}|SDSS DR7", entry.source)
    assert entry.value is not None


def test_each_is_used_by_the_simulator():
    folder = Path(module.__file__).parent
    text = "".join(path.read_text("utf-8") for path in folder.rglob("*.py") if path.name != "constants.py")
    # Some names are put together: constant(f"locus_{name}").
    built = {f"locus_{name}" for name in ("u_g", "g_r", "r_i", "i_z")}
    assert {name for name in CONSTANTS if f'"{name}"' not in text} <= built


def test_unknown_name_says_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'bulge_size'"):
        constant("bulgesize")
