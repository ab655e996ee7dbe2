"""The fit of a run: the survey's noise, what is done to its objects, and what it says beforehand."""

import io

import pytest
from rich.console import Console

from asterism.catalogs.roles import bind_roles
from asterism.learning.config import AugmentConfig
from asterism.learning.run_fit import augmentation, sky_sigma, teller
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model


@pytest.fixture
def sky(make_sky):
    return make_sky(rows=60)


def test_a_survey_without_a_published_depth_takes_the_measured_noise(sky):
    inputs = ModelInputs.from_bindings(bind_roles(sky.schema, "photometry"))
    known = sky_sigma(inputs)
    assert known.shape == (5,)
    assert bool((known < 2).all())
    unknown = inputs.model_copy(update={"photometry": inputs.photometry.model_copy(update={"survey": "elsewhere"})})
    assert sky_sigma(unknown).isinf().all()


def test_a_run_s_augmentation_knows_sky_and_pixels(sky):
    inputs = ModelInputs.from_bindings(bind_roles(sky.schema, "photometry,image"))
    model = create_model("margformer", inputs, ("STAR", "QSO"))
    found = augmentation(AugmentConfig(blur=1.0), model)
    assert found.pixel_scale == 0.396
    assert found.sky_sigma.shape == (5,)
    assert augmentation(AugmentConfig(rotations=False, flips=False), model) is None


def test_sentences_are_printed_as_they_are():
    told = io.StringIO()
    teller(Console(file=told))("[bold] 3 of 4")
    assert told.getvalue() == "[bold] 3 of 4\n"
    teller(None)("nothing")
