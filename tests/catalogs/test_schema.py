"""Fields of catalogs: names, types, metadata, and refusals."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from asterism.catalogs.schema import (
    check_names,
    identity_fields,
    image_fields,
    label_fields,
    metadata_of,
    photometry_fields,
    prediction_fields,
    truth_field,
)
from asterism.errors import ConfigurationError


def test_photometry_fields_carry_their_meaning() -> None:
    flux, ivar, chance, flags = photometry_fields(
        "sdss",
        "ugriz",
        ("flux", "ivar", "psf_probability", "flags"),
        dereddened=True,
        zero_point="sdss",
        magnitude_type="model",
        ivar_source="depth",
        provenance="DR17",
    )
    assert flux.type == pa.list_(pa.float32(), 5)
    assert metadata_of(flux) == {
        "unit": "nanomaggy",
        "ucd": "phot.flux",
        "description": "Flux per band",
        "shape": "5",
        "bands": "u,g,r,i,z",
        "dereddened": "true",
        "zero_point": "sdss",
        "magnitude_type": "model",
        "ivar_source": "depth",
        "provenance": "DR17",
    }
    assert metadata_of(ivar)["unit"] == "nanomaggy-2"
    assert (chance.type, flags.type) == (pa.float32(), pa.int64())
    assert "unit" not in metadata_of(chance)


def test_image_fields_have_the_shapes_that_were_asked_for() -> None:
    flux, ivar, seeing = image_fields("sdss", "ugriz", 32, 0.396, zero_point="sdss")
    assert flux.type == ivar.type == pa.list_(pa.float32(), 5 * 32 * 32)
    assert metadata_of(flux)["shape"] == "5,32,32"
    assert metadata_of(flux)["pixel_scale"] == "0.396"
    assert seeing.type == pa.list_(pa.float32(), 5)
    flux, ivar = image_fields("legacy", "grz", (10, 12), 0.262, ivar_per_band=True, psf_fwhm=False, zero_point="ab")
    assert metadata_of(flux)["shape"] == "3,10,12"
    assert metadata_of(ivar)["shape"] == "3"


def test_identity_labels_truth_and_predictions() -> None:
    assert [field.name for field in identity_fields(True)][:4] == ["object_id", "source_id", "ra", "dec"]
    assert "ra" not in [field.name for field in identity_fields(False)]
    assert [field.name for field in label_fields(["redshift", "class"])] == ["class", "redshift"]
    assert len(label_fields()) == 7
    assert truth_field("truth_mass", pa.float32(), "kg", "Mass").name == "truth_mass"
    names = [field.name for field in prediction_fields("classification")]
    assert names[:4] == ["p_star", "p_galaxy", "p_qso", "class_predicted"]
    assert {"class_set", "in_domain", "domain_score", "model_fingerprint"} <= set(names)


def test_predictions_of_redshifts_have_their_grid() -> None:
    grid = [0.0, 0.25, 1.0]
    fields = {field.name: field for field in prediction_fields("redshift", grid=grid)}
    assert fields["z_pdf"].type == pa.list_(pa.float32(), 3)
    assert json.loads(metadata_of(fields["z_pdf"])["grid"]) == grid
    assert "z_pdf" not in [field.name for field in prediction_fields("redshift")]
    both = [field.name for field in prediction_fields("classification,redshift", grid=grid)]
    assert len(both) == len(set(both))
    assert both[:4] == ["p_star", "p_galaxy", "p_qso", "class_predicted"]
    assert both[-4:] == ["z_pdf", "in_domain", "domain_score", "model_fingerprint"]
    check_names([*fields, *both[:3]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: label_fields(["clas"]), "did you mean 'class'"),
        (lambda: truth_field("mass", pa.float32()), "truth_"),
        (lambda: prediction_fields("classification,redshfit"), "did you mean 'redshift'"),
        (lambda: prediction_fields("classificaton"), "did you mean 'classification'"),
        (lambda: photometry_fields("sdss", "u", ("fluxx",), dereddened=False, zero_point="ab"), "did you mean 'flux'"),
        (lambda: photometry_fields("sdss", "u", dereddened=False, zero_point="AB"), "did you mean 'ab'"),
        (lambda: photometry_fields("sd_ss", "u", dereddened=False, zero_point="ab"), "survey name 'sd_ss'"),
        (lambda: image_fields("sdss", "u", 3, 1.0, zero_point="vega"), "unknown zero_point"),
    ],
)
def test_wrong_names_are_refused_in_one_sentence(make, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
