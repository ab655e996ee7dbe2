"""Embedding of DESI spectra: AVIS's spectrum encoder beside one of AstroCLIP's published dimensions, spectra per second and core.

    python benchmarks/avis_speed.py [--run RUN] [--device cpu|cuda] [--threads 1] [--rounds 3] [--batch 8]

With ``--run`` it is a trained model's own weights that are timed, else fresh ones of each size. Beside it stands a transformer of the
dimensions that AstroCLIP publishes for its spectrum encoder (Parker et al. 2024, MNRAS 531, 4990: 7,781 pixels standardised,
mean and scatter as a first token, sections of 20 pixels that overlap by 10, width 768, 6 layers, 6 heads), with random weights: the speed
does not depend on them. It is theirs in size, not in code, and ends at a mean over tokens.

All are in one process and take turns, one measurement each per round; ratios are of measurements of the same round. On a CPU it is
processor time, of all threads together; on a GPU time on the clock. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asterism.learning.devices import to_device
from asterism.models.inputs import ModelInputs
from asterism.models.model import Model, create_model
from asterism.models.spectral_inputs import SpectrumInputs

PIXELS = 7781
DESI = SpectrumInputs(
    group="spectrum_desi", survey="desi", pixels=PIXELS, grid=f"linear,3600,0.8,{PIXELS}", relative=False
)
SIZES = ("tiny", "small", "base")
PEER = "AstroCLIP's dimensions"
_SECTION, _STEP, _WIDTH, _LAYERS, _HEADS = 20, 10, 768, 6, 6


class PeerEncoder(nn.Module):
    """Flux (B, 7781) → (B, 768)."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 4 * _WIDTH, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        tokens = (PIXELS - _SECTION) // _STEP + 2
        self.project, self.place = nn.Linear(_SECTION + 2, _WIDTH), nn.Parameter(torch.zeros(1, tokens, _WIDTH))

    def forward(self, flux: Tensor) -> Tensor:
        mean, scatter = flux.mean(1, keepdim=True), flux.std(1, keepdim=True)
        sections = ((flux - mean) / scatter).unfold(1, _SECTION, _STEP)
        told = nn.functional.pad(torch.cat([mean, scatter], 1)[:, None], (0, _SECTION))
        tokens = torch.cat([told, nn.functional.pad(sections, (2, 0))], 1)
        return self.layers(self.project(tokens) + self.place).mean(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a trained run whose spectrum encoder is timed")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--json", type=Path, help="write the rates and ratios to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    batch: Any = to_device(synthetic(arguments.batch), device)
    jobs: dict[str, tuple[nn.Module, Callable[[], Any]]] = {}
    for name, model in models(arguments.run).items():
        # Without gradients: counting FLOPs in inference mode stumbles over parameters that ask for them.
        encoder = model.eval().requires_grad_(False).to(device).network.encoders["spectrum"]  # type: ignore[union-attr, index]
        jobs[name] = (encoder, lambda model=model: model(batch)["embedding_spectrum"])
    peer = PeerEncoder().eval().requires_grad_(False).to(device)
    jobs[PEER] = (peer, lambda: peer(batch["spectrum"]["flux"]))
    measured: dict[str, list[float]] = {name: [] for name in jobs}
    with torch.inference_mode():
        flops = {name: operations(job) / arguments.batch for name, (_, job) in jobs.items()}
        for _ in range(arguments.rounds):
            for name, (_, job) in jobs.items():
                measured[name].append(seconds(job, arguments.device) / arguments.batch)
    print(page(arguments, jobs, flops, measured))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures(arguments, measured), indent=1) + "\n", "utf-8")


def models(run: Path | None) -> dict[str, Model]:
    """The trained model alone, reading spectra; else one of each size with fresh weights."""
    if run is not None:
        trained = Model.from_pretrained(run)
        spectrum = trained.config.inputs.spectrum
        if spectrum is None:
            raise SystemExit(f"{run} reads no spectra; name a run that does")
        name = f"avis {trained.config.options.get('size', '')}, trained"
        return {name: trained.reading(ModelInputs(spectrum=spectrum))}
    found = {}
    for size in SIZES:
        torch.manual_seed(0)
        made = create_model("avis", ModelInputs(spectrum=DESI), None, {"size": size})
        made.standardise([synthetic(8)])
        found[f"avis {size}"] = made
    return found


def synthetic(n: int) -> dict[str, Any]:
    """A batch of n spectra as `asterism.catalogs.stream` would give it."""
    draw = torch.Generator().manual_seed(n)
    flux = 5 + torch.randn(n, PIXELS, generator=draw)
    here = torch.ones(n, dtype=torch.bool)
    return {
        "spectrum": {"flux": flux, "ivar": torch.full((n, PIXELS), 1.0), "present": here},
        "row": torch.arange(n),
    }


def operations(job: Callable[[], Any]) -> float:
    """FLOPs of one call; it warms the network up as well."""
    from torch.utils.flop_counter import FlopCounterMode

    # A transformer layer's fused kernel is not counted; its parts are.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter:
            job()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    job()
    return float(counter.get_total_flops())


def seconds(job: Callable[[], Any], device: str, at_least: float = 1.0) -> float:
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


def page(
    arguments: argparse.Namespace,
    jobs: dict[str, tuple[nn.Module, Callable[[], Any]]],
    flops: dict[str, float],
    measured: dict[str, list[float]],
) -> str:
    gpu = arguments.device == "cuda"
    place = torch.cuda.get_device_name() if gpu else f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    clock = "on the clock" if gpu else f"of processor time, {arguments.threads} thread{'s' * (arguments.threads > 1)}"
    lines = [
        f"{place}, torch {torch.__version__}; {clock}, batches of {arguments.batch}; medians of {arguments.rounds} rounds in turn"
        " (lowest to highest).",
        "",
        "| spectrum encoder | parameters | MFLOP per spectrum | spectra per second | times as fast |",
        "|---|---|---|---|---|",
    ]
    for name, (module, _) in jobs.items():
        rate = spread([1 / value for value in measured[name]], "{:,.1f}")
        ratio = spread([a / b for a, b in zip(measured[PEER], measured[name], strict=True)], "{:,.0f}")
        count = sum(p.numel() for p in module.parameters())
        lines.append(f"| {name} | {count:,} | {flops[name] / 1e6:,.0f} | {rate} | {ratio if name != PEER else ''} |")
    return "\n".join(lines)


def figures(arguments: argparse.Namespace, measured: dict[str, list[float]]) -> dict[str, dict[str, Any]]:
    """Spectra per second and times as fast by name, with the range over the rounds."""
    told = {}
    for name, found in measured.items():
        rates = {"spectra_per_second": [1 / value for value in found]}
        if name != PEER:
            rates["times_as_fast"] = [a / b for a, b in zip(measured[PEER], found, strict=True)]
        for key, values in rates.items():
            told[f"throughput/{arguments.device}/{name}/{key}"] = {
                "value": statistics.median(values),
                "range": [min(values), max(values)],
                "command": f"python benchmarks/avis_speed.py --rounds {arguments.rounds}"
                + (" --run RUN" if arguments.run else ""),
            }
    return told


def spread(values: list[float], form: str) -> str:
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


if __name__ == "__main__":
    main()
