"""Inference of MAC-Net and its ablations, published and light: time per object, one at a time and in batches of 64.

    python benchmarks/macnet_speed.py [--device cpu|cuda] [--threads 1] [--rounds 3] [--only MODEL ...]

All models are in one process and take turns, one measurement each per round, so that a drift of the machine's speed hits all
of them; ratios are of measurements of the same round. On a CPU it is processor time that is measured, of all threads
together: with one thread (the default) that is the time on a core of one's own, also where the machine is shared. On a GPU it is
time on the clock. A matrix product of 1024 x 1024 float32 is timed in every round as the machine's peak.

Objects are synthetic (the speed does not depend on what they show) and already in memory: strips cut to the published windows,
LAMOST's 1D spectra, 64 x 64 stamps in ugriz. Inference ends at calibrated probabilities, so it includes windows, z-scores and the
colour picture. FLOPs are those of matrix products and convolutions, counted by ``torch.utils.flop_counter``. Prints
Markdown, with the times of the paper's table 5 beside, which are of another machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from asterism.learning.devices import to_device
from asterism.models.inputs import ImageInputs, ModelInputs
from asterism.models.model import Model, create_model
from asterism.models.spectral_inputs import ArmInputs, Spectrum2DInputs, SpectrumInputs

#: What each reads, and ms per object by table 5 of Zhang et al. (2023), on the authors' GPU.
NETWORKS: dict[str, tuple[tuple[str, ...], float]] = {
    "sscnn1d": (("spectrum",), 9.18),
    "mnet": (("spectrum", "image"), 15.90),
    "cnet": (("spectrum2d",), 9.57),
    "mcnet": (("spectrum2d", "image"), 16.13),
    "macnet": (("spectrum2d", "image"), 17.31),
}
SIZES = ("published", "light")
BATCHES = (1, 64)
GROUPS: dict[str, Any] = {
    "spectrum2d": Spectrum2DInputs(
        group="spectrum2d_lamost",
        survey="lamost",
        arms=(
            ArmInputs(name="blue", rows=11, pixels=2000, first_row=2, first_pixel=1000),
            ArmInputs(name="red", rows=11, pixels=2000, first_row=2, first_pixel=1500),
        ),
    ),
    "spectrum": SpectrumInputs(
        group="spectrum_lamost", survey="lamost", pixels=3909, grid="log10,3.5682,0.0001,3909", relative=True
    ),
    "image": ImageInputs(
        group="image_sdss", survey="sdss", bands=tuple("ugriz"), shape=(64, 64), pixel_scale=0.396, zero_point="sdss"
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = arguments.device
    batches = {size: to_device(synthetic(size), torch.device(device)) for size in BATCHES}
    models = {(name, size): built(name, size, device) for name in arguments.only for size in SIZES}
    flops = {key: operations(model, batches[1]) for key, model in models.items()}
    measured: dict[tuple[str, str, int], list[float]] = {}
    peaks = []
    matrix = torch.randn(1024, 1024, device=device)
    for _ in range(arguments.rounds):
        peaks.append(2 * 1024**3 / seconds(lambda: matrix @ matrix, device))
        for (name, size), model in models.items():
            for count in BATCHES:
                spent = seconds(lambda model=model, count=count: answer(model, batches[count]), device)
                measured.setdefault((name, size, count), []).append(1e3 * spent / count)
    print(page(arguments, models, flops, measured, peaks))


def built(name: str, size: str, device: str) -> Model:
    """A model with random weights."""
    torch.manual_seed(0)
    inputs = ModelInputs(**{role: GROUPS[role] for role in NETWORKS[name][0]})
    model = create_model(name, inputs, ("GALAXY", "QSO", "STAR"), {"size": size})
    model.standardise([synthetic(4)])
    return model.eval().to(device)


def answer(model: Model, batch: dict[str, Any]) -> torch.Tensor:
    with torch.inference_mode():
        return model.class_probabilities(batch)


def operations(model: Model, batch: dict[str, Any]) -> float:
    """FLOPs of one object; it warms the model up as well."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        answer(model, batch)
    return float(counter.get_total_flops())


def seconds(job: Callable[[], Any], device: str, at_least: float = 0.3) -> float:
    """Seconds of one call: the mean over as many as take `at_least` seconds together."""
    count, begin = 0, now(device)
    while (spent := now(device) - begin) < at_least:
        job()
        count += 1
    return spent / count


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def synthetic(n: int) -> dict[str, Any]:
    """A batch of n objects as `asterism.catalogs.stream` would give it."""
    draw = torch.Generator().manual_seed(n)
    here = torch.ones(n, dtype=torch.bool)
    strips: dict[str, torch.Tensor] = {"present": here}
    for arm in ("blue", "red"):
        strips[arm] = 1000 + 30 * torch.randn(n, 11, 2000, generator=draw)
        strips[f"{arm}_ivar"] = torch.full((n, 11, 2000), 1e-3)
    return {
        "spectrum2d": strips,
        "spectrum": {
            "flux": 1 + 0.1 * torch.randn(n, 3909, generator=draw),
            "ivar": torch.full((n, 3909), 100.0),
            "present": here,
        },
        "image": {
            "flux": 0.1 * torch.randn(n, 5, 64, 64, generator=draw),
            "ivar": torch.full((n, 5, 1, 1), 100.0),
            "present": here,
        },
        "row": torch.arange(n),
    }


def page(
    arguments: argparse.Namespace,
    models: dict[tuple[str, str], Model],
    flops: dict[tuple[str, str], float],
    measured: dict[tuple[str, str, int], list[float]],
    peaks: list[float],
) -> str:
    gpu = arguments.device == "cuda"
    place = torch.cuda.get_device_name() if gpu else f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    clock = "on the clock" if gpu else f"of processor time, {arguments.threads} thread{'s' * (arguments.threads > 1)}"
    lines = [
        f"{place}, torch {torch.__version__}; ms {clock}; medians of {arguments.rounds} rounds in turn (lowest to highest)."
        f" Matrix product: {statistics.median(peaks) / 1e9:,.0f} GFLOP/s ({min(peaks) / 1e9:,.0f} to"
        f" {max(peaks) / 1e9:,.0f}).",
        "",
        "| network | size | parameters | MiB | MFLOP per object | ms, one at a time | ms per object, batches of 64 |"
        " published ÷ light, one at a time | published ÷ light, 64 | table 5, ms (another machine) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, size), model in models.items():
        count = sum(p.numel() for p in model.parameters())
        times = [spread(measured[name, size, n], "{:.2f}") for n in BATCHES]
        ratios = ["", ""]
        if size == "light":
            pairs = [zip(measured[name, "published", n], measured[name, size, n], strict=True) for n in BATCHES]
            ratios = [spread([a / b for a, b in pair], "{:.0f}") for pair in pairs]
        told = f"{NETWORKS[name][1]:.2f}" if size == "published" else ""
        lines.append(
            f"| {name} | {size} | {count:,} | {count * 4 / 2**20:.1f} | {flops[name, size] / 1e6:,.0f} |"
            f" {' | '.join(times)} | {' | '.join(ratios)} | {told} |"
        )
    return "\n".join(lines)


def spread(values: list[float], form: str) -> str:
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


if __name__ == "__main__":
    main()
