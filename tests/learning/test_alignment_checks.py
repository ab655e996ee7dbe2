"""What alignment can't be is one sentence, before anything is made."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.alignment_checks import check_pairs
from asterism.learning.config import parse_settings
from asterism.learning.recipe import ALIGNMENT_VIEWS
from asterism.learning.train import train

SMALL = ["fit.epochs=2", "fit.batch_size=32", "fit.accelerator=cpu", "model.embedding=16"]
UNVARIED = [f"augment.{name}=0" for name in ALIGNMENT_VIEWS if name != "gap_runs"]
UNVARIED += ["augment.rotations=false", "augment.flips=false"]


def run(catalog, out, *settings, **more):
    options = {"model": "avis", "task": "alignment", "inputs": "image,spectrum", **more}
    return train(catalog, out, config=parse_settings([*SMALL, *settings]), **options)


@pytest.fixture(scope="module")
def table(make_spectra):
    return make_spectra(rows=60).read()


@pytest.fixture
def sky(make_sky, table):
    return make_sky(table=table)


@pytest.mark.parametrize(
    ("settings", "change", "says"),
    [
        (
            [],
            {"inputs": "spectrum"},
            "objective infonce compares images with spectra and the inputs are spectrum alone; add image",
        ),
        (["fit.batch_size=1"], {}, r"a step has one; raise fit\.batch_size"),
        ([], {"model": "margformer", "inputs": "image"}, "model margformer does not embed images and spectra apart"),
        ([], {"task": "alignment,redshift"}, "goes with no other task"),
        ([], {"baselines": True}, "--baselines goes by labels"),
        ([], {"teacher": "somewhere"}, "--teacher goes by labels"),
        (["augment.dimming=1"], {}, "augment.dimming"),
        (["alignment.objective=masked", "alignment.views=1"], {}, r"alignment\.views would do nothing; leave it out"),
        (
            ["alignment.objective=masked", "alignment.pretrain_epochs=2"],
            {},
            r"alignment\.pretrain_epochs would do nothing",
        ),
        (
            ["alignment.lock=image"],
            {},
            r"alignment\.lock goes with masked modelling before the alignment, and there is none",
        ),
        (["alignment.objective=masked", "alignment.lock=image"], {}, r"alignment\.lock would do nothing"),
        (["alignment.pretrain_batch_size=4"], {}, r"there is none; set alignment\.pretrain_epochs, or leave it out"),
        (
            ["alignment.objective=masked", "alignment.pretrain_learning_rate=0.1"],
            {},
            r"alignment\.pretrain_learning_rate would do nothing",
        ),
        (
            ["alignment.pretrain_epochs=1", "alignment.lock=spectrum", "augment.brightness=0.5"],
            {},
            r"the spectrum, which alignment\.lock names, is embedded once, as observed; set augment\.brightness=0",
        ),
        (["alignment.whiten_by=views"], {}, r"alignment\.whiten_by goes with what is whitened, and nothing will be"),
        (
            ["alignment.objective=masked", "alignment.whiten_by=views", *UNVARIED],
            {},
            r"nothing under augment\. varies them; set alignment\.whiten_by=objects",
        ),
        (["alignment.views=1", *UNVARIED], {}, r"nothing under augment\. varies them; set alignment\.views=0"),
    ],
)
def test_what_can_t_be_is_one_sentence(sky, tmp_path, settings, change, says):
    with pytest.raises(ConfigurationError, match=says):
        run(sky, tmp_path / "run", *settings, **change)
    assert [entry.name for entry in tmp_path.iterdir()] == ["sky"]
    assert not sky.split_names()


def test_an_unknown_objective_names_the_nearest():
    with pytest.raises(ConfigurationError, match="unknown objective 'infonc'; did you mean 'infonce'"):
        parse_settings(["alignment.objective=infonc"])


def test_parts_without_pairs_are_refused(make_sky, table, tmp_path):
    lacking = pc.or_(pc.is_null(table["image_sdss_flux"]), pc.is_null(table["spectrum_lamost_flux"]))
    apart = np.flatnonzero(np.asarray(lacking))
    with pytest.raises(BadInputError, match="has 0 objects with both image and spectrum in its train part"):
        run(make_sky("apart", table.take(pa.array(apart))), tmp_path / "run")
    assert check_pairs({"train": 2, "validation": 2}, "here") is None
    with pytest.raises(BadInputError, match="1 object with both image and spectrum in its validation part"):
        check_pairs({"train": 2, "validation": 1}, "here")
