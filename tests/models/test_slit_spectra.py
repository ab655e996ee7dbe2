import numpy as np
import pytest
import torch

from asterism.errors import BadInputError, ConfigurationError
from asterism.models.slit_spectra import SpectrumWindow, StripWindow, bridged, z_scores
from asterism.models.spectral_inputs import ArmInputs, SpectrumInputs


def test_scores_are_of_what_was_seen():
    rng = np.random.default_rng(0)
    values = torch.tensor(rng.normal(5e4, 30, (3, 4, 50)), dtype=torch.float32)
    seen = torch.tensor(rng.random((3, 4, 50)) > 0.2)
    values[1, 0, 0], seen[1, 0, 0] = 1e30, False
    seen[2] = False
    made = z_scores(torch.where(seen, values, torch.nan), seen)
    for i in (0, 1):
        kept = values[i][seen[i]].double()
        torch.testing.assert_close(
            made[i][seen[i]].double(), (kept - kept.mean()) / kept.std(correction=0), atol=2e-3, rtol=1e-3
        )
    assert (made[~seen] == 0).all()


def test_a_constant_has_no_scores():
    assert not z_scores(torch.full((1, 7, 9), 0.1), torch.ones(1, 7, 9, dtype=torch.bool)).any()


def strips(rows, pixels, first_row=0, first_pixel=0):
    """A piece of strips whose electrons tell row and pixel of the whole one."""
    row = torch.arange(first_row, first_row + rows)[:, None] * 10_000.0
    flux = (row + torch.arange(first_pixel, first_pixel + pixels))[None].repeat(2, 1, 1)
    return {"red": flux, "red_ivar": torch.ones_like(flux), "present": torch.tensor([True, True])}


@pytest.mark.parametrize(("first_row", "first_pixel"), [(0, 0), (1, 1400)])
def test_windows_are_counted_on_the_whole_strip(first_row, first_pixel):
    rows, pixels = 15 - 2 * first_row, 4136 - first_pixel - 500
    arm = ArmInputs(name="red", rows=rows, pixels=pixels, first_row=first_row, first_pixel=first_pixel)
    window = StripWindow("cnet", arm, (1500, 3500), 11, False)
    assert (window.rows, window.columns, window.shape) == ((2, 13), (1500, 3500), (11, 2000))
    made, there = window(strips(rows, pixels, first_row, first_pixel))
    assert made.shape == (2, 1, 11, 2000)
    assert there.all()
    wanted = strips(11, 2000, 2, 1500)["red"]
    torch.testing.assert_close(made[:, 0], z_scores(wanted, torch.ones_like(wanted, dtype=torch.bool)))


def test_strips_of_another_cut_are_refused():
    window = StripWindow(
        "cnet", ArmInputs(name="red", rows=11, pixels=2000, first_row=2, first_pixel=1500), (1500, 3500), 11, False
    )
    window(strips(11, 2000, 2, 1500))
    with pytest.raises(BadInputError, match="red strips have 15 × 4136 pixels and the model reads 11 × 2000"):
        window(strips(15, 4136))


def test_an_object_without_the_arm_has_nothing_there():
    arm = ArmInputs(name="red", rows=15, pixels=4136)
    role = strips(15, 4136)
    role["red_ivar"][0] = 0
    role["red_ivar"][1, :, 1500:] = 0  # observed outside of the window alone
    made, there = StripWindow("cnet", arm, (1500, 3500), 11, False)(role)
    assert there.tolist() == [False, False]
    assert not made.any()


def test_the_sky_is_taken_off_where_it_is_known():
    arm = ArmInputs(name="red", rows=15, pixels=4136)
    role = strips(15, 4136)
    rng = np.random.default_rng(0)
    sky = torch.tensor(rng.uniform(0, 100, role["red"].shape), dtype=torch.float32)
    light = role["red"].clone()
    role["red"] = role["red"] + sky
    sky[:, 5, 2000] = torch.nan
    sky[1] = torch.nan
    role["red_sky"] = sky
    made, there = StripWindow("cnet", arm, (1500, 3500), 11, True)(role)
    assert there.tolist() == [True, False]
    seen = torch.isfinite(sky)
    cut = (slice(0, 1), slice(2, 13), slice(1500, 3500))
    torch.testing.assert_close(made[0], z_scores(light[cut], seen[cut]), atol=1e-4, rtol=1e-4)
    assert made[0, 0, 3, 500] == 0


@pytest.mark.parametrize(
    ("arm", "window", "rows", "words"),
    [
        (
            {},
            (1500, 4000),
            11,
            r"pixels 1500 to 4000 of the red strips and the catalog holds 1400 to 3600; .*red_window",
        ),
        ({}, (1300, 3300), 11, "pixels 1300 to 3300"),
        (
            {"rows": 11, "first_row": 2},
            (1500, 3500),
            13,
            "rows 1 to 14 of the red strips and the catalog holds 2 to 13",
        ),
    ],
)
def test_windows_out_of_what_is_stored_are_refused(arm, window, rows, words):
    stored = {"name": "red", "rows": 15, "pixels": 2200, "first_pixel": 1400} | arm
    with pytest.raises(ConfigurationError, match=words):
        StripWindow("cnet", ArmInputs(**stored), window, rows, False)


GRIDS = {
    "lamost": "log10,3.5682,0.0001,3909",
    "sdss": "log10,3.54,0.0001,4800",
    "desi": "linear,3600,0.8,7781",
    "fine": "linear,3600,0.05,100000",
}


def spectrum(survey, shape=lambda x: np.exp(-(((x - 4861) / 40) ** 2)) + x / 1e4, n=2):
    grid = GRIDS[survey]
    inputs = SpectrumInputs(group=f"spectrum_{survey}", survey=survey, pixels=int(grid.split(",")[3]), grid=grid)
    flux = torch.tensor(shape(inputs.wavelength), dtype=torch.float32).repeat(n, 1)
    return inputs, {"flux": flux, "ivar": torch.ones_like(flux), "present": torch.ones(n, dtype=torch.bool)}


@pytest.mark.parametrize("survey", GRIDS)
def test_every_survey_gives_the_same_pixels(survey):
    inputs, role = spectrum(survey)
    window = SpectrumWindow("sscnn1d", inputs, (4100, 5300), arm="blue")
    made, there = window(role)
    assert made.shape == (2, 1, 1, 2000)
    assert there.all()
    x = 4100 + 0.6 * (np.arange(2000) + 0.5)
    wanted = np.exp(-(((x - 4861) / 40) ** 2)) + x / 1e4
    wanted = (wanted - wanted.mean()) / wanted.std()
    np.testing.assert_allclose(made[0, 0, 0], wanted, atol=0.03)


def test_finer_pixels_are_averaged():
    inputs, _ = spectrum("fine")
    window = SpectrumWindow("sscnn1d", inputs, (4100, 5300))
    # Triangles of 0.6 A on pixels of 0.05: an effective number of 18.
    assert (window.weight / window.weight.sum(1, keepdim=True)).square().sum(1).sqrt().mean() == pytest.approx(
        (2 / 3 * 0.05 / 0.6) ** 0.5, rel=0.02
    )


def test_scale_and_units_do_not_matter():
    inputs, role = spectrum("lamost")
    window = SpectrumWindow("sscnn1d", inputs, (4100, 5300))
    wanted = window(role)[0]
    for factor in (1e-17, 1e12):
        torch.testing.assert_close(window({**role, "flux": role["flux"] * factor})[0], wanted, atol=1e-3, rtol=1e-3)


def test_what_was_not_observed_is_not_read():
    inputs, role = spectrum("lamost")
    window = SpectrumWindow("sscnn1d", inputs, (4100, 5300))
    inside = (inputs.wavelength > 4900) & (inputs.wavelength < 4950)
    role["ivar"][0, inside] = 0
    role["flux"][0, inside] = torch.nan
    role["ivar"][1, inputs.wavelength < 5301] = 0
    made, there = window(role)
    assert there.tolist() == [True, False]
    x = 4100 + 0.6 * (np.arange(2000) + 0.5)
    assert (made[0, 0, 0, (x > 4901) & (x < 4949)] == 0).all()
    assert made[0, 0, 0, (x < 4899)].all()
    assert torch.isfinite(made).all()
    assert not made[1].any()


def test_a_window_out_of_the_grid_is_refused():
    inputs, _ = spectrum("lamost")
    with pytest.raises(
        ConfigurationError, match="3600 to 5300 Å and spectrum_lamost has 3700 to 9099 Å; set model.windows"
    ):
        SpectrumWindow("sscnn1d", inputs, (3600, 5300))


def test_bridges_are_straight_and_go_on_at_the_ends():
    values = torch.tensor([[9.0, 1, 9, 9, 4, 9], [9, 9, 3, 9, 9, 9], [7, 7, 7, 7, 7, 7]])
    seen = torch.tensor([[0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]], dtype=torch.bool)
    wanted = torch.tensor([[1.0, 1, 2, 3, 4, 4], [3, 3, 3, 3, 3, 3], [7, 7, 7, 7, 7, 7]])
    torch.testing.assert_close(bridged(values, seen), wanted)


def test_a_gap_is_bridged_where_asked_and_the_rest_stays():
    inputs, role = spectrum("lamost")
    inside = (inputs.wavelength > 4900) & (inputs.wavelength < 4950)
    role["ivar"][0, inside] = 0
    plain, _ = SpectrumWindow("sscnn1d", inputs, (4100, 5300))(role)
    made, there = SpectrumWindow("sscnn1d", inputs, (4100, 5300), bridge=True)(role)
    assert there.all()
    x = 4100 + 0.6 * (np.arange(2000) + 0.5)
    gap = torch.as_tensor((x > 4901) & (x < 4949))
    assert torch.equal(made[..., (x < 4899) | (x > 4951)], plain[..., (x < 4899) | (x > 4951)])
    bridge = made[0, 0, 0, gap]
    assert bridge.abs().min() > 0
    torch.testing.assert_close(bridge.diff(), bridge.diff().mean().expand(len(bridge) - 1), atol=1e-4, rtol=0.05)
