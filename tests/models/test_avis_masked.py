import copy

import pytest
import torch

from asterism.models.avis_image import ImageEncoder
from asterism.models.avis_masked import ImageDecoder, SpectrumDecoder, hidden_patches
from asterism.models.avis_spectrum import SpectrumEncoder


@pytest.mark.parametrize(("patches", "run"), [(96, 3), (36, 1), (10, 4)])
def test_about_the_share_is_hidden_and_never_all(patches, run):
    for share in (0.1, 0.5, 0.99):
        hidden = hidden_patches(500, patches, share, run, torch.Generator().manual_seed(0))
        assert hidden.shape == (500, patches)
        assert not hidden.all(1).any()
        assert hidden.any(1).float().mean() > 0.9
    half = hidden_patches(500, patches, 0.5, run, torch.Generator().manual_seed(1)).float()
    assert abs(float(half.mean()) - 0.5) < 0.2
    # every place is hidden as often as the others, or nearly
    assert float(half.mean(0).std()) < 0.1


@pytest.fixture(params=["image", "spectrum"])
def case(request, desi, legacy, role, galaxy, stamps):
    """An encoder and its projection, their decoder, and objects."""
    torch.manual_seed(0)
    if request.param == "image":
        encoder = ImageEncoder(legacy.model_copy(update={"shape": (72, 72)}), 72, 32, 4, 1, (8, 16))
        objects = stamps(encoder.inputs, 6, seed=3)
        decoder = ImageDecoder(encoder, 16)
    else:
        encoder = SpectrumEncoder(desi, 32, 4, 1, (8, 8, 16))
        objects = role(desi, galaxy(*[0.02 * n for n in range(6)]), seed=1)
        decoder = SpectrumDecoder(encoder, 16)
    encoder.observe(objects)
    encoder.settle()
    return encoder, torch.nn.Linear(32, 16), decoder, objects


def hidden_loss(case, share=0.3, seed=0):
    encoder, projection, decoder, objects = case
    return decoder(encoder, projection, objects, share, torch.Generator().manual_seed(seed))


def test_what_is_hidden_is_drawn_by_the_generator(case):
    assert torch.equal(hidden_loss(case), hidden_loss(case))
    assert not torch.equal(hidden_loss(case), hidden_loss(case, seed=1))


def test_it_learns_to_tell_what_was_hidden(case):
    encoder, projection, decoder, _ = case
    every = [*encoder.parameters(), *projection.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(every, lr=5e-3)
    first = torch.stack([hidden_loss(case, seed=s) for s in (100, 101)]).mean().item()
    for step in range(15):
        optimizer.zero_grad()
        hidden_loss(case, seed=step).backward()
        optimizer.step()
    last = torch.stack([hidden_loss(case, seed=s) for s in (100, 101)]).mean().item()
    assert last < 0.75 * first


def test_hidden_flux_is_not_read(case):
    """The tokens that the decoder asks are the same whatever stands where it is hidden: then the loss alone changes."""
    encoder, projection, decoder, objects = case
    seen = []
    encoder.transformer.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    hidden_loss(case)
    other = copy.deepcopy(objects)
    if "psf_fwhm" in objects:
        watched = encoder.pixels(objects).seen
        hidden = hidden_patches(len(watched), 9, 0.3, 1, torch.Generator().manual_seed(0)).unflatten(1, (1, 3, 3))
        other["flux"][hidden.repeat_interleave(24, 2).repeat_interleave(24, 3).expand_as(other["flux"])] = 1e3
    else:
        hidden = hidden_patches(len(other["flux"]), 96, 0.3, 3, torch.Generator().manual_seed(0))
        inner = hidden & hidden.roll(1, 1) & hidden.roll(-1, 1)  # its neighbours' pixels reach over a token's edge
        place = encoder.grid.near[:, 5]
        for n in range(len(hidden)):
            other["flux"][n, place[inner[n].repeat_interleave(24)]] = 1e3
    assert not torch.equal(other["flux"], objects["flux"])
    changed = hidden_loss((encoder, projection, decoder, other))
    assert torch.equal(seen[0], seen[1])
    assert changed > hidden_loss(case)


def test_an_object_of_which_nothing_is_left_counts_nothing(case):
    objects = case[-1]
    objects["ivar"] = torch.zeros_like(objects["ivar"])
    assert hidden_loss(case) == 0


class OnTheGrid(torch.nn.Module):
    """Spectra that stand on the common grid already."""

    def forward(self, role):
        return role["flux"], role["ivar"]


def test_what_is_hidden_is_told_by_where_lines_stand_and_not_only_by_what_they_are(desi):
    torch.manual_seed(0)
    encoder = SpectrumEncoder(desi, 32, 4, 1, (8, 8, 16)).double()
    projection, decoder = torch.nn.Linear(32, 16).double(), SpectrumDecoder(encoder, 16).double()
    encoder.grid = OnTheGrid()
    torch.nn.init.zeros_(decoder.telling.what.weight)  # the embedding tells nothing: the tokens are asked
    hidden = hidden_patches(1, 96, 0.1, 3, torch.Generator().manual_seed(0))[0]
    # A line amid tokens that can be seen, and one of the same shape eight tokens (and six of the continuum's blocks) further.
    seen = [n for n in range(8, 80) if not hidden[n - 5 : n + 14].any()]
    flux = torch.ones(2, 2304, dtype=torch.float64)
    for spectrum, token in zip(flux, (seen[0], seen[0] + 8), strict=True):
        spectrum[24 * token + 8 : 24 * token + 16] = 5.0
    role = {"flux": flux, "ivar": torch.full_like(flux, 100.0)}
    told = []
    for n in (0, 1):
        own = {name: values[n : n + 1] for name, values in role.items()}
        told.append(decoder(encoder, projection, own, 0.1, torch.Generator().manual_seed(0)).item())
    assert abs(told[0] - told[1]) > 1e-7 * told[0]  # rounding gives 1e-16
