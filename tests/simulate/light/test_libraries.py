"""The table of libraries and the way to their files."""

import shutil
from pathlib import Path

import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.simulate.light.libraries import LIBRARIES, ROLES, choose_libraries, fingerprint_of, open_fits


def test_the_table_is_complete():
    assert {library.role for library in LIBRARIES} == set(ROLES)
    assert len({(library.role, library.name) for library in LIBRARIES}) == len(LIBRARIES)
    for library in LIBRARIES:
        low, high = library.wavelength
        assert 900 < low < high
        assert library.citation
        assert library.resolution
    assert [library.name for library in LIBRARIES if library.medium == "air"] == ["miles"]


def test_the_first_that_is_there_is_taken(templates_directory, tmp_path):
    names = {role: files.library.name for role, files in choose_libraries(templates_directory, {}).items()}
    assert names == {"stars": "redrock", "white_dwarfs": "redrock", "galaxies": "eigen", "quasars": "desisim"}
    shutil.copytree(templates_directory / "miles", tmp_path / "miles")
    found = choose_libraries(tmp_path, {})
    assert found["stars"].library.name == "miles"
    assert len(found["stars"].paths) == 7
    assert found["galaxies"] is None


def test_the_fingerprint_is_of_the_content(templates_directory, tmp_path):
    def of(directory):
        return fingerprint_of([f for f in choose_libraries(directory, {}).values() if f])

    shutil.copytree(templates_directory, tmp_path / "copy")
    assert of(tmp_path / "copy") == of(templates_directory)
    path = tmp_path / "copy" / "idlspec2d" / "spEigenGal-56436.fits"
    content = bytearray(path.read_bytes())
    content[-3000] ^= 1
    path.write_bytes(content)
    assert of(tmp_path / "copy") != of(templates_directory)


def test_what_is_not_there_is_one_sentence(templates_directory, tmp_path):
    with pytest.raises(BadInputError, match="nowhere does not exist"):
        choose_libraries(Path("nowhere"), {})
    with pytest.raises(BadInputError, match="holds no template library; give the directory that has"):
        choose_libraries(tmp_path, {})
    with pytest.raises(BadInputError, match="'miles' of stars in .*miles lacks MILES_res"):
        choose_libraries(tmp_path, {"stars": "miles"})
    with pytest.raises(ConfigurationError, match="unknown library of white dwarfs 'desi'; did you mean 'desisim'"):
        choose_libraries(templates_directory, {"white_dwarfs": "desi"})
    shutil.copytree(templates_directory / "redrock", tmp_path / "redrock")
    (tmp_path / "redrock" / "rrtemplate-STAR-K-v0.1.fits").unlink()
    with pytest.raises(BadInputError, match="'redrock' of stars in .* lacks rrtemplate-STAR-K"):
        choose_libraries(tmp_path, {})


def test_a_truncated_file_is_one_sentence(templates_directory, tmp_path):
    whole = (templates_directory / "idlspec2d" / "spEigenGal-56436.fits").read_bytes()
    path = tmp_path / "spEigenGal-56436.fits"
    for size in (len(whole) // 2, 100, 0):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInputError, match="spEigenGal-56436.fits"), open_fits(path) as hdus:
            hdus[0].data.sum()
    path.write_bytes(whole)
    with pytest.raises(BadInputError, match="can't read the template file"), open_fits(path) as hdus:
        hdus["METADATA"]
