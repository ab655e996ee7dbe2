import numpy as np
import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.avis_spectrum import RANGE, CommonGrid, SpectrumEncoder
from asterism.models.spectral_inputs import SpectrumInputs

DESI = SpectrumInputs(group="spectrum_desi", survey="desi", pixels=7781, grid="linear,3600,0.8,7781")
SDSS = SpectrumInputs(group="spectrum_sdss", survey="sdss", pixels=4800, grid="log10,3.54,0.0001,4800")
LAMOST = SpectrumInputs(
    group="spectrum_lamost", survey="lamost", pixels=3909, grid="log10,3.5682,0.0001,3909", relative=True
)
COARSE = SpectrumInputs(group="spectrum_x", survey="x", pixels=391, grid="log10,3.5682,0.001,391")
PIXELS = 2304


def centres():
    ends = np.log(RANGE)
    return np.exp(ends[0] + (np.arange(PIXELS) + 0.5) * (ends[1] - ends[0]) / PIXELS)


@pytest.mark.parametrize("inputs", [DESI, SDSS, LAMOST, COARSE], ids=lambda inputs: inputs.survey)
def test_the_common_grid_keeps_what_is_smooth(inputs, role):
    grid = CommonGrid(inputs, PIXELS)
    x = centres()
    flux, ivar = grid(role(inputs, lambda w: 2 + np.sin(w / 300)))
    there = (ivar[0] > 0).numpy()
    first, last, reach = inputs.wavelength[0], inputs.wavelength[-1], 10 if inputs.pixels > 1000 else 25
    inside = (x > first + reach) & (x < last - reach)
    assert (there[inside]).all()
    assert not there[(x < first - reach) | (x > last + reach)].any()
    np.testing.assert_allclose(flux[0].numpy()[inside], (2 + np.sin(x / 300))[inside], atol=0.01)


def test_the_common_grid_tells_its_noise(role):
    grid = CommonGrid(DESI, PIXELS)
    flux, ivar = grid(role(DESI, lambda w: np.ones((40, len(w))), sigma=0.3, seed=1))
    pull = ((flux - 1) * ivar.sqrt())[:, 5:-5]
    assert 0.97 < float(pull.std()) < 1.03


def test_pixels_count_by_their_inverse_variance_and_not_where_it_is_0(role):
    grid = CommonGrid(DESI, PIXELS)
    spectra = role(DESI, lambda w: np.ones((1, len(w))))
    spectra["flux"][0, ::2] = 100.0
    weak = {**spectra, "ivar": spectra["ivar"].clone()}
    weak["ivar"][0, ::2] *= 1e-6
    assert float(grid(weak)[0].max()) < 1.01
    masked = {**spectra, "ivar": spectra["ivar"].clone()}
    masked["ivar"][0, ::2] = 0
    masked["flux"][0, ::2] = torch.nan
    torch.testing.assert_close(grid(masked)[0], torch.ones(1, PIXELS))


@pytest.mark.parametrize("grid", ["linear,10000,1,500", "linear,3000,1,500"])
def test_spectra_of_other_light_are_refused(grid):
    inputs = SpectrumInputs(group="spectrum_ir", survey="ir", pixels=500, grid=grid)
    with pytest.raises(ConfigurationError, match="reads 3600 to 9824 Å and spectrum_ir has"):
        CommonGrid(inputs, PIXELS)


@pytest.fixture(scope="module")
def encoder(role, galaxy):
    torch.manual_seed(0)
    encoder = SpectrumEncoder(DESI, 32, 4, 1, (8, 8, 16)).eval()
    encoder.observe(role(DESI, galaxy(0.05, 0.1, 0.2, 0.3, 0.4), seed=5))
    encoder.settle()
    return encoder


@torch.no_grad()
def ask(encoder, inputs, spectra):
    encoder.turn_to(inputs)
    values = encoder(spectra)
    return torch.nn.functional.normalize(values - values.mean(0), dim=1)


def test_one_spectrum_is_nearly_the_same_on_every_grid(encoder, role, galaxy):
    z = np.linspace(0.02, 0.4, 8)
    by_survey = {i.survey: ask(encoder, i, role(i, galaxy(*z))) for i in (DESI, SDSS)}
    cosine = by_survey["desi"] @ by_survey["sdss"].T
    assert float(cosine.diagonal().min()) > 0.95
    assert torch.equal(cosine.argmax(1), torch.arange(8))


def test_the_scale_of_relative_flux_is_not_read(encoder, role, galaxy):
    z = np.linspace(0.02, 0.4, 4)
    low, high = (ask(encoder, LAMOST, role(LAMOST, galaxy(*z), scale=s, seed=2)) for s in (1.0, 3e4))
    torch.testing.assert_close(low, high, rtol=1e-3, atol=1e-3)
    calibrated = LAMOST.model_copy(update={"relative": False})
    low, high = (encoder_values(encoder, calibrated, role(LAMOST, galaxy(*z), scale=s, seed=2)) for s in (1.0, 3e4))
    assert float((low - high).abs().max()) > 0.01


@torch.no_grad()
def encoder_values(encoder, inputs, spectra):
    encoder.turn_to(inputs)
    return encoder(spectra)


@pytest.mark.parametrize("flux", [0.0, -3.0, 1e6, -1e6])
def test_no_flux_breaks_it(encoder, flux, role):
    encoder.turn_to(DESI)
    spectra = role(DESI, lambda w: np.full((1, len(w)), flux))
    assert torch.isfinite(encoder(spectra)).all()
    spectra["ivar"][0, 1:] = 0
    assert torch.isfinite(encoder(spectra)).all()


def test_a_spectrum_observed_only_outside_of_the_range_is_absent(encoder, role):
    encoder.turn_to(SDSS)
    spectra = role(SDSS, lambda w: np.ones((2, len(w))))
    spectra["ivar"][0] *= torch.tensor(SDSS.wavelength > RANGE[1] + 10)
    assert encoder.present(spectra).tolist() == [False, True]
