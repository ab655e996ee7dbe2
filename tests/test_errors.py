import pytest

import asterism
from asterism.errors import AsterismError, BadInputError, ConfigurationError, LeakError, OutputError, unknown_name


def test_the_nearest_name_is_offered():
    assert "did you mean 'photometry_sdss_flux'?" in unknown_name(
        "column", "photometry_sdss_flx", ["photometry_sdss_flux", "ra"]
    )


def test_case_and_separators_are_forgiven_in_the_hint():
    assert "did you mean 'MARG_NET'?" in unknown_name("model", "marg-net", ["MARG_NET", "zzz"])


def test_a_short_name_is_found_in_a_longer_one_but_not_among_those_taken():
    assert "did you mean 'r_mag'?" in unknown_name("column", "r", ["ra", "r_mag"], ["r_mag"])
    assert "did you mean" not in unknown_name("column", "err_i", ["err_g", "err_z"], [])


def test_nothing_near_gives_no_hint_but_the_list():
    message = unknown_name("model", "qqqq", ["avis"])
    assert "did you mean" not in message
    assert "known: avis" in message


@pytest.mark.parametrize("kind", [BadInputError, ConfigurationError, LeakError, OutputError])
def test_every_error_ends_with_a_code_of_its_own(kind):
    assert issubclass(kind, AsterismError)
    assert kind.exit_code > 0


def test_a_misspelt_attribute_is_an_error_that_names_the_right_one():
    with pytest.raises(AttributeError, match="did you mean 'open_catalog'"):
        _ = asterism.open_catalogue
