import json

import pyarrow as pa
import pytest

from asterism.catalogs.roles import bind_roles
from asterism.catalogs.schema import image_fields, photometry_fields
from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ModelInputs


def photometry(survey="sdss", bands="ugriz", quantities=("flux", "ivar", "extinction", "radius"), **changes):
    settings = {"dereddened": False, "zero_point": "sdss", **changes}
    return photometry_fields(survey, tuple(bands), quantities, **settings)


def image(size=32, scale=0.396):
    return image_fields("sdss", tuple("ugriz"), size, scale, zero_point="sdss")


@pytest.fixture
def inputs():
    return ModelInputs.from_bindings(bind_roles(pa.schema(photometry() + image())))


def test_bound_groups_are_described(inputs):
    assert inputs.roles == ("photometry", "image")
    assert inputs.photometry.bands == tuple("ugriz")
    assert inputs.photometry.quantities == ("flux", "extinction", "radius")
    assert inputs.image.shape == (32, 32)
    assert inputs.image.pixel_scale == pytest.approx(0.396)
    assert inputs.reference_band == 2


def test_quantities_can_be_chosen_and_come_in_one_order():
    bindings = bind_roles(pa.schema(photometry()))
    chosen = ModelInputs.from_bindings(bindings, ["radius", "ivar", "flux"])
    assert chosen.photometry.quantities == ("flux", "ivar", "radius")
    with pytest.raises(ConfigurationError, match="did you mean 'radius'"):
        ModelInputs.from_bindings(bindings, ["flux", "radus"])


def test_they_survive_json(inputs):
    assert ModelInputs.model_validate(json.loads(inputs.model_dump_json())) == inputs


def test_the_reference_band_is_the_middle_one_without_an_r():
    inputs = ModelInputs.from_bindings(bind_roles(pa.schema(photometry("wise", ("W1", "W2"), ("flux", "ivar")))))
    assert inputs.reference_band == 1


def test_a_catalog_of_the_same_kind_is_bound(inputs):
    bound = inputs.check(pa.schema(photometry() + image()))
    assert [group.name for group in bound.values()] == ["photometry_sdss", "image_sdss"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (photometry("legacy", "grz") + image(), "reads photometry_sdss.*groups: photometry_legacy"),
        (photometry(bands="gri") + image(), "bands ugriz.*has gri"),
        (photometry(dereddened=True) + image(), "flux as observed.*has dereddened flux"),
        (photometry(zero_point="ab") + image(), "zero point sdss.*has ab"),
        (photometry(quantities=("flux", "ivar", "extinction")) + image(), "photometry_sdss_radius.*has none"),
        (photometry() + image(size=64), "32x32 pixels.*has 64x64 pixels"),
        (photometry() + image(scale=0.262), '0.396".*has 0.262"'),
        (photometry(), "reads image_sdss.*groups: none"),
    ],
)
def test_another_catalog_is_refused_in_one_sentence(inputs, fields, words):
    with pytest.raises(BadInputError, match=words) as caught:
        inputs.check(pa.schema(fields), "other")
    assert "other" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_not_an_input():
    with pytest.raises(ValueError, match="at least one input"):
        ModelInputs()
    with pytest.raises(ConfigurationError, match="at least one input"):
        ModelInputs.from_bindings({})
