import pytest

from asterism.errors import ConfigurationError
from asterism.models.configuration import Strict, parse


class Inner(Strict):
    depth: int = 2


class Outer(Strict):
    width: int
    inner: Inner = Inner()
    maybe: Inner | None = None


def test_plain_data_become_a_configuration():
    assert parse(Outer, {"width": 3, "inner": {"depth": 4}}, "option").inner.depth == 4


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"widht": 3, "width": 3}, "unknown option 'widht'; did you mean 'width'"),
        ({"width": 3, "inner": {"dept": 1}}, "unknown option 'dept'; did you mean 'depth'"),
        ({"width": 3, "maybe": {"dept": 1}}, "did you mean 'depth'"),
        ({}, "option 'width' is missing"),
        ({"width": "wide"}, "option 'width' is 'wide', which does not fit"),
    ],
)
def test_what_does_not_fit_is_one_sentence(data, sentence):
    with pytest.raises(ConfigurationError) as caught:
        parse(Outer, data, "option")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_can_not_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Outer(width=1).width = 2
