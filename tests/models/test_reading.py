import numpy as np
import pyarrow as pa
import pytest
import torch

from asterism.catalogs.schema import image_fields
from asterism.catalogs.spectral_schema import spectrum_fields
from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model
from asterism.models.spectral_inputs import SpectrumInputs

SDSS = SpectrumInputs(group="spectrum_sdss", survey="sdss", pixels=4800, grid="log10,3.54,0.0001,4800")
LAMOST = SpectrumInputs(
    group="spectrum_lamost", survey="lamost", pixels=3909, grid="log10,3.5682,0.0001,3909", relative=True
)


@pytest.fixture(scope="module")
def model(desi, legacy, role, galaxy, stamps):
    torch.manual_seed(0)
    model = create_model("avis", ModelInputs(image=legacy, spectrum=desi), ("GALAXY", "STAR"))
    z = np.linspace(0.02, 0.4, 6)
    model.standardise([{"image": stamps(legacy), "spectrum": role(desi, galaxy(*z), seed=1)}])
    return model.eval()


def of_spectra(inputs):
    return spectrum_fields(inputs.survey, inputs.pixels, inputs.grid, relative=inputs.relative, lsf=False)


def of_images(survey="legacy", bands="grz", shape=(152, 152), pixel_scale=0.262):
    return image_fields(survey, bands, shape, pixel_scale=pixel_scale, zero_point="ab")


@torch.no_grad()
def test_it_reads_other_surveys_with_the_same_weights(model, role, galaxy, desi, stamps, legacy):
    z = np.linspace(0.02, 0.4, 6)
    both = model({"image": stamps(legacy), "spectrum": role(desi, galaxy(*z))})
    other = model.reading(ModelInputs(spectrum=SDSS))
    found = other({"spectrum": role(SDSS, galaxy(*z))})
    cosine = (found["embedding_spectrum"] * both["embedding_spectrum"]).sum(1)
    assert float(cosine.min()) > 0.98
    torch.testing.assert_close(found["embedding_joint"], found["embedding_spectrum"])
    assert "embedding_image" not in found
    assert other.fingerprint == model.fingerprint
    assert other.config.inputs.roles == ("spectrum",)
    again = other.reading(model.config.inputs)({"image": stamps(legacy), "spectrum": role(desi, galaxy(*z))})
    torch.testing.assert_close(again["embedding_joint"], both["embedding_joint"])


@torch.no_grad()
def test_without_spectra_it_still_answers(model, stamps, legacy):
    outputs = model.reading(ModelInputs(image=legacy))({"image": stamps(legacy)})
    assert torch.isfinite(outputs["embedding_joint"]).all()
    assert torch.isfinite(model.domain_vectors(outputs)).all()


def test_what_reads_something_else_is_not_saved(model, tmp_path):
    with pytest.raises(ConfigurationError, match="is not saved"):
        model.reading(ModelInputs(spectrum=SDSS)).save_pretrained(tmp_path / "x")


def test_roles_it_was_not_trained_on_are_refused(model, photometry_inputs):
    with pytest.raises(ConfigurationError, match="trained on image, spectrum and can't read photometry"):
        model.reading(ModelInputs(photometry=photometry_inputs))


def test_most_networks_read_only_what_they_were_trained_on(make_model, make_inputs, legacy):
    fixed = make_model("margformer", ("image",))
    with pytest.raises(ConfigurationError, match="reads only what it was trained on"):
        fixed.reading(ModelInputs(image=legacy))
    with pytest.raises(BadInputError, match="reads image_sdss"):
        fixed.inputs_for(pa.schema(of_images()))


def test_a_catalog_of_the_training_survey_is_read_by_the_model_itself(model, desi):
    there, bindings = model.inputs_for(pa.schema(of_images() + of_spectra(desi) + of_spectra(SDSS)))
    assert there is model
    assert {role: group.name for role, group in bindings.items()} == {
        "image": "image_legacy",
        "spectrum": "spectrum_desi",
    }


@pytest.mark.parametrize("inputs", [SDSS, LAMOST], ids=lambda inputs: inputs.survey)
def test_a_catalog_of_another_survey_is_read_where_it_has_one_group(model, inputs):
    other, bindings = model.inputs_for(pa.schema(of_spectra(inputs)))
    assert other.config.inputs == ModelInputs(spectrum=inputs)
    assert bindings["spectrum"].name == inputs.group


def test_bands_are_matched_and_roles_chosen(model):
    schema = pa.schema(of_images(bands="griz", shape=(160, 160)) + of_spectra(SDSS))
    other, _ = model.inputs_for(schema)
    assert other.config.inputs.image.bands == ("g", "r", "i", "z")
    other, bindings = model.inputs_for(schema, inputs="spectrum")
    assert set(bindings) == set(other.config.inputs.roles) == {"spectrum"}


@pytest.mark.parametrize(
    ("fields", "error", "sentence"),
    [
        (of_spectra(SDSS) + of_spectra(LAMOST), ConfigurationError, "several spectrum groups .*spectrum_lamost"),
        (
            of_images(bands="ui"),
            BadInputError,
            "sky: the model knows images in bands g, r, z and image_legacy has none",
        ),
        (of_images("sdss", pixel_scale=0.396), BadInputError, "pixels of 0.262 arcsec"),
        ([pa.field("object_id", pa.string())], BadInputError, "sky has no such columns"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(model, fields, error, sentence):
    with pytest.raises(error, match=sentence):
        model.inputs_for(pa.schema(fields), "sky")
