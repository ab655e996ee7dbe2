"""Redshifts get their own passes and options, and never against what the user says."""

from __future__ import annotations

import pytest

from asterism.learning.config import TrainConfig, parse_settings
from asterism.learning.recipe import ALIGNMENT_RATES, ALIGNMENT_VIEWS, LEAST_STEPS, REDSHIFT_OPTIONS, with_recipe
from asterism.models.registry import network_class


def test_classes_alone_change_nothing():
    config = parse_settings({"model.width": 64})
    assert with_recipe(config, ("classification",), "margformer", 100) == config


@pytest.mark.parametrize("tasks", [("redshift",), ("classification", "redshift")])
@pytest.mark.parametrize("objects", [100, 4000, 10_000])
def test_small_training_parts_get_enough_steps(tasks, objects):
    fit = with_recipe(TrainConfig(), tasks, "margformer", objects).fit
    batches = -(-objects // fit.batch_size)
    assert fit.epochs * batches >= LEAST_STEPS
    assert (fit.epochs - 1) * batches < LEAST_STEPS  # and not more passes than that takes
    # patience is a share of the passes, as it is for classes
    assert fit.patience == pytest.approx(fit.epochs / 3, abs=1)


def test_a_large_training_part_keeps_the_usual_passes():
    assert with_recipe(TrainConfig(), ("redshift",), "margformer", 1_000_000).fit == TrainConfig().fit


def test_what_the_user_says_stands_even_where_it_is_the_default():
    config = parse_settings({"fit.epochs": 30, "fit.patience": 10, "model.noise": 0.05})
    told = with_recipe(config, ("redshift",), "margformer", 100)
    assert (told.fit.epochs, told.fit.patience, told.model["noise"]) == (30, 10, 0.05)
    assert told.model["dropout"] == REDSHIFT_OPTIONS["margformer"]["dropout"]


def test_options_are_those_of_redshift_alone():
    assert with_recipe(TrainConfig(), ("redshift",), "margformer", 100).model == REDSHIFT_OPTIONS["margformer"]
    assert with_recipe(TrainConfig(), ("classification", "redshift"), "margformer", 100).model == {}


def test_a_published_model_keeps_its_options():
    assert with_recipe(TrainConfig(), ("redshift",), "margformer-published", 100).model == {}


@pytest.mark.parametrize("model", REDSHIFT_OPTIONS)
def test_the_options_are_ones_that_the_model_has(model):
    assert set(REDSHIFT_OPTIONS[model]) <= set(network_class(model).Options.model_fields)


@pytest.mark.parametrize("size", [None, *ALIGNMENT_RATES])
def test_alignment_varies_views_and_larger_models_take_smaller_steps(size):
    config = parse_settings({} if size is None else {"model.size": size})
    told = with_recipe(config, ("alignment",), "avis", 1000)
    assert told.fit.learning_rate == ALIGNMENT_RATES[size or "tiny"]
    assert {key: getattr(told.augment, key) for key in ALIGNMENT_VIEWS} == ALIGNMENT_VIEWS
    assert told.fit.epochs == config.fit.epochs
    assert told.model == config.model


def test_views_that_the_user_names_stand():
    config = parse_settings({"augment.blur": 0.0, "fit.learning_rate": 5e-3})
    told = with_recipe(config, ("alignment",), "avis", 1000)
    assert (told.augment.blur, told.fit.learning_rate) == (0, 5e-3)
    assert told.augment.fibre == ALIGNMENT_VIEWS["fibre"]
