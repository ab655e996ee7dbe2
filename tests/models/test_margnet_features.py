import pytest
import torch

from asterism.models.margnet_features import FEATURES, margnet_features


def test_the_names_say_what_the_columns_are(make_batch, photometry_inputs):
    photometry = make_batch()["photometry"]
    values, observed = margnet_features(photometry, photometry_inputs)
    assert values.shape == observed.shape == (24, len(FEATURES)) == (24, 24)
    for name, key in (("deVRad_g", "radius"), ("psffwhm_g", "psf_fwhm"), ("extinction_g", "extinction")):
        column = FEATURES.index(name)
        seen = observed[:, column]
        assert seen.any()
        assert torch.equal(values[seen, column], photometry[key][seen, 1])
    magnitude = {band: values[:, FEATURES.index(f"dered_{band}")] for band in "gr"}
    extinction = {band: values[:, FEATURES.index(f"extinction_{band}")] for band in "gr"}
    known = observed[:, [FEATURES.index(n) for n in ("g_r", "extinction_g")]].all(1)
    raw = magnitude["g"] + extinction["g"] - magnitude["r"] - extinction["r"]
    torch.testing.assert_close(values[known, FEATURES.index("g_r")], raw[known], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["margformer-published", "margnet-ann"])
def test_the_networks_that_read_them_have_the_same_standardisation(name, make_model, make_batch):
    roles = ("photometry", "image") if name == "margformer-published" else ("photometry",)
    network = make_model(name, roles).network
    ann = make_model("margnet-ann").network
    assert torch.equal(network.scale.centre, ann.scale.centre)
    assert torch.equal(network.standardised(make_batch()), ann.standardised(make_batch()))


def test_an_absent_object_has_no_features(make_batch, photometry_inputs):
    values, observed = margnet_features(make_batch()["photometry"], photometry_inputs)
    assert not observed[1].any()
    assert (values[~observed] == 0).all()
