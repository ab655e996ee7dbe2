"""Models and batches of the room below, and a network of which it is known what it goes by."""

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

from asterism.catalogs.groups import groups
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.schema import image_fields
from asterism.catalogs.spectral_schema import spectrum2d_fields, spectrum_fields
from asterism.catalogs.stream import batch_from_table
from asterism.explore.explanations import Explanation
from asterism.models.configuration import Strict
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model
from asterism.models.network import CamLayer, Network, present
from asterism.models.spectral_inputs import ArmInputs, Spectrum2DInputs

_specification = importlib.util.spec_from_file_location(
    "asterism_model_fixtures", Path(__file__).parents[1] / "models" / "conftest.py"
)
_fixtures = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(_fixtures)
make_inputs, make_batch, make_model = _fixtures.make_inputs, _fixtures.make_batch, _fixtures.make_model

ROWS, PIXELS = 5, 64
STRIPS = Spectrum2DInputs(
    group="spectrum2d_lamost",
    survey="lamost",
    arms=tuple(ArmInputs(name=n, rows=ROWS, pixels=PIXELS, first_pixel=1000, first_row=5) for n in ("blue", "red")),
)


class Bright(Network):
    """Counts what is brighter than 10 electrons on each arm: the blue arm's count speaks for GALAXY, the red one's for QSO."""

    Options = Strict
    accepts = requires = frozenset({"spectrum2d"})

    def __init__(self, inputs, options):
        super().__init__("bright", inputs)
        self.members, self.width = 1, 2
        self.layers = nn.ModuleDict({arm: nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()) for arm in ("blue", "red")})
        for layer in self.layers.values():
            nn.init.ones_(layer[0].weight)
            nn.init.constant_(layer[0].bias, -10.0)

    def forward(self, batch):
        strips = batch["spectrum2d"]
        counts = [layer(strips[arm][:, None]).mean((1, 2, 3)) for arm, layer in self.layers.items()]
        seen = [present({"ivar": strips[f"{arm}_ivar"], "present": strips["present"]}) for arm in self.layers]
        return torch.stack(counts, 1)[:, None], torch.stack(seen).any(0)

    @property
    def cam_layers(self):
        return {
            arm: CamLayer(layer, "spectrum2d", arm, (5, 5 + ROWS), (1000, 1000 + PIXELS), (1, 1))
            for arm, layer in self.layers.items()
        }


@pytest.fixture(scope="session")
def bright_model():
    """`Bright` with a head that does as its docstring says."""
    patch = pytest.MonkeyPatch()
    patch.setattr("asterism.models.model.network_class", lambda name: Bright)
    model = create_model("bright", ModelInputs(spectrum2d=STRIPS), ("STAR", "GALAXY", "QSO"))
    patch.undo()
    linear = model.heads["classification"].linear
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.zero_()
        linear.weight[0, 0, 1] = linear.weight[0, 1, 2] = 1.0
    model.standardised.fill_(True)
    return model.eval()


@pytest.fixture
def bright_batch():
    """24 objects with 8 bright pixels each on one arm, at places that differ: those with even numbers on the red one."""
    rng = np.random.default_rng(1)
    strips = {arm: rng.uniform(0, 5, (24, ROWS, PIXELS)) for arm in ("blue", "red")}
    for i in range(24):
        place = 4 + 2 * i
        strips["blue" if i % 2 else "red"][i, 2, place : place + 8] = 200.0
    batch = {arm: torch.tensor(values, dtype=torch.float32) for arm, values in strips.items()}
    batch |= {f"{arm}_ivar": torch.ones(24, ROWS, PIXELS) for arm in strips}
    return {"spectrum2d": {**batch, "present": torch.ones(24, dtype=torch.bool)}}


@pytest.fixture(scope="session")
def saved_model(tiny_sky, tmp_path_factory):
    """Directories of models of tiny_sky's photometry with fresh weights: ``saved_model(classes, redshift)``."""

    def save(classes=("STAR", "GALAXY", "QSO"), redshift=None):
        bindings = bind_roles(tiny_sky.schema, "photometry")
        torch.manual_seed(0)
        options = {"members": 2, "width": 32}
        model = create_model("margformer", ModelInputs.from_bindings(bindings), classes, options, redshift=redshift)
        table = tiny_sky.read(["class", "redshift", *bindings["photometry"].columns])
        model.standardise([batch_from_table(table, bindings, classes)])
        folder = tmp_path_factory.mktemp("model") / "run"
        model.save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def pictured():
    """Values of one object with strips, stamp and spectrum."""
    rng = np.random.default_rng(0)
    wavelength = np.broadcast_to(np.linspace(4000.0, 5990.0, 200), (15, 200))
    told = {"object_id": "a", "class": "QSO", "redshift": 2.0}
    for arm, shift in (("blue", 0.0), ("red", 2000.0)):
        told[f"spectrum2d_lamost_{arm}"] = rng.normal(100, 5, (15, 200))
        told[f"spectrum2d_lamost_{arm}_wavelength"] = wavelength + shift
    told["image_sdss_flux"] = rng.normal(0, 0.05, (5, 16, 16)) + np.exp(-((np.mgrid[:16, :16] - 8) ** 2).sum(0) / 8)
    told["spectrum_lamost_flux"] = rng.normal(1, 0.1, 391)
    told["spectrum_lamost_ivar"] = np.where(np.arange(391) < 10, 0.0, 100.0)
    return told


@pytest.fixture(scope="session")
def pictured_groups():
    """Their groups by kind."""
    fields = [
        *spectrum2d_fields("lamost", 200),
        *spectrum_fields("lamost", 391, "log10,3.5682,0.001,391"),
        *image_fields("sdss", tuple("ugriz"), 16, 0.396, zero_point="sdss"),
    ]
    found = groups(pa.schema(fields))
    return {group.kind: group for group in found.values()}


def on_window(values):
    whole = np.full((15, 200), np.nan)
    whole[2:13, 20:180] = values
    return whole


def explanation(role, values, layer="input", method="grad-cam", arm=None, features=()):
    return Explanation(0, "a", role, arm, layer, method, "QSO", np.asarray(values, float), features)


@pytest.fixture(scope="session")
def strip_maps():
    """Maps over both arms of that object's strips, before and after attention."""
    rng = np.random.default_rng(1)
    noise = [rng.normal(size=(11, 160)) for _ in range(2)]
    named = {
        "blue": noise[0],
        "blue_before_attention": noise[1],
        "red": -np.ones((11, 160)),
        "red_before_attention": np.full((11, 160), 0.1),
    }
    return [
        explanation("spectrum2d", on_window(values), layer, arm=layer.split("_")[0]) for layer, values in named.items()
    ]
