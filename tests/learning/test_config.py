"""Settings: typed, bounded, and a wrong key names the nearest right one."""

import pytest

from asterism.errors import ConfigurationError
from asterism.learning.config import TrainConfig, dotted, parse_settings


def test_values_are_json_or_toml_scalars_and_otherwise_text():
    config = parse_settings(
        ["fit.epochs=5", "fit.learning_rate=1e-3", "augment.flips=false", "fit.schedule=constant", "model.patch=[4, 4]"]
        + ["fit.batch_size=1_024", "model.born='2020'", "model.note=2020-01-01"]
    )
    assert config.fit.epochs == 5
    assert config.fit.learning_rate == 1e-3
    assert config.augment.flips is False
    assert config.fit.schedule == "constant"
    assert config.fit.batch_size == 1024
    assert config.model == {"patch": [4, 4], "born": "2020", "note": "2020-01-01"}


def test_class_weights_are_named():
    config = parse_settings(["classification.class_weights.STAR=2", "classification.class_weights.QSO=0.5"])
    assert config.classification.class_weights == {"STAR": 2.0, "QSO": 0.5}


def test_settings_can_be_a_mapping_and_come_back_as_one():
    settings = {"fit.epochs": 7, "model.width": 8}
    flat = dotted(parse_settings(settings))
    assert settings.items() <= flat.items()
    assert parse_settings(flat) == parse_settings(settings)
    assert parse_settings([]) == TrainConfig()


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("fit.epoch=3", "did you mean 'fit.epochs'"),
        ("epochs=3", "did you mean 'fit.epochs'"),
        ("fit=3", "unknown setting 'fit'"),
        ("model=3", "unknown setting 'model'"),
        ("fit.epochs.more=3", "unknown setting"),
        ("fit.epochs", "not of the form key=value"),
        ("=3", "not of the form key=value"),
        ("fit.epochs=0", "setting fit.epochs=0 does not fit"),
        ("fit.epochs=many", "setting fit.epochs='many' does not fit"),
        ("fit.epochs=2.5", "setting fit.epochs=2.5 does not fit"),
        ("augment.flips=1", "setting augment.flips=1 does not fit"),
        ("classification.class_weights.STAR=0", "setting classification.class_weights.STAR=0 does not fit"),
        ("redshift.density=histogram", "setting redshift.density='histogram' does not fit"),
        ("redshift.point=3", "did you mean 'redshift.points'"),
        ("redshift.z_max=-1", "setting redshift.z_max=-1 does not fit"),
        ("calibrate.coverage=1", "setting calibrate.coverage=1 does not fit"),
    ],
)
def test_a_wrong_setting_is_one_sentence(setting, says):
    with pytest.raises(ConfigurationError, match=r"^[^\n]+$") as error:
        parse_settings([setting])
    assert says in str(error.value)
