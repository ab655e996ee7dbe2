"""Training steps and inference of the MargFormer paper's models: objects per second, memory, share of the machine's peak.

    python benchmarks/model_speed.py [--device cpu|cuda] [--train-batch 256] [--batch 1024] [--rounds 5] [--only MODEL ...]

Every model runs in a process of its own, which gives its peak memory; the processes take turns, one measurement each per
round, so that a drift of the machine's speed hits all of them, and a matrix product of 2048 x 2048 float32 is timed in every
round as the machine's peak. Objects are synthetic (the speed does not depend on what they show) and already in memory: 5x32x32
stamps with photometry in ugriz.

A training step is forward, backward and AdamW; for MargNet's ensemble one of the ANN, one of the CNN and one of the stack
(which runs both networks forward), as an epoch of each has. Inference ends at calibrated probabilities. FLOPs are those of
matrix products and convolutions, counted by ``torch.utils.flop_counter``. For LightGBM (the 24 features as floats; their
computation is left out) "training" is rows times boosting rounds per second. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

NETWORKS = ("margformer-published", "margformer", "margnet-ensemble")
MODELS = (*NETWORKS, "lightgbm")
PEAK = "peak"
REFERENCE = "margformer-published"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--train-batch", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1024, help="objects per batch of inference")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments)
        return
    names = [PEAK, *arguments.only]
    workers = {name: start(name, arguments) for name in names}
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    about: dict[str, dict[str, Any]] = {name: ask(workers[name], "about") for name in names}
    for _ in range(arguments.rounds):
        for name in names:
            measured[name].append(ask(workers[name], "measure"))
    for name in names:
        about[name].update(ask(workers[name], "end"))
        workers[name].wait(60)
    print(page(arguments, measured, about))


def start(name: str, arguments: argparse.Namespace) -> subprocess.Popen[str]:
    options = [f"--{key.replace('_', '-')}={getattr(arguments, key)}" for key in ("device", "train_batch", "batch")]
    return subprocess.Popen(
        [sys.executable, __file__, *options, f"--worker={name}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(worker: subprocess.Popen[str], what: str) -> dict[str, Any]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(what + "\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise SystemExit(f"a worker ended before it answered {what!r}; its own message is above")
    return json.loads(line)


def page(arguments: argparse.Namespace, measured: dict[str, list[dict[str, float]]], about: dict[str, Any]) -> str:
    peaks = [m["flops"] for m in measured[PEAK]]
    lines = [
        f"{about[PEAK]['device']}, torch {torch.__version__}, {about[PEAK]['threads']} threads; batches of"
        f" {arguments.train_batch} in training and {arguments.batch} in inference; medians of {arguments.rounds} rounds"
        f" in turn (lowest to highest). Matrix product: {statistics.median(peaks) / 1e9:,.0f} GFLOP/s"
        f" ({min(peaks) / 1e9:,.0f} to {max(peaks) / 1e9:,.0f}).",
    ]
    for kind in ("training", "inference"):
        lines += [
            "",
            f"| {kind} | objects/s | × published, pair by pair | MFLOP per object | share of peak | peak memory |",
            "|---|---|---|---|---|---|",
        ]
        for name in arguments.only:
            rates = [m[kind] for m in measured[name]]
            ratios = (
                [a[kind] / b[kind] for a, b in zip(measured[name], measured[REFERENCE], strict=True)]
                if REFERENCE in measured
                else []
            )
            flop = about[name].get(f"flop_{kind}")
            shares = [rate * flop / peak for rate, peak in zip(rates, peaks, strict=True)] if flop else []
            lines.append(
                f"| {name} | {spread(rates, '{:,.0f}')} | {spread(ratios, '{:.2f}')} |"
                f" {f'{flop / 1e6:,.1f}' if flop else '–'} | {spread(shares, '{:.0%}')} |"
                f" {about[name]['memory'] / 1e9:.2f} GB |"
            )
    return "\n".join(lines)


def spread(values: list[float], form: str) -> str:
    if not values:
        return "–"
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def work(name: str, arguments: argparse.Namespace) -> None:
    """A worker: answers "about", "measure" and "end", one line each."""
    makers = {PEAK: Peak, "lightgbm": Trees}
    job = makers.get(name, Network)(name, arguments)
    for line in sys.stdin:
        what = line.strip()
        answer = job.about() if what == "about" else job.measure() if what == "measure" else {"memory": memory(job)}
        print(json.dumps(answer), flush=True)
        if what == "end":
            return


def memory(job: Any) -> int:
    """Largest memory of this process, on a GPU of the device's allocator [byte]."""
    import resource

    if job.device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def seconds(job: Callable[[], Any], device: str, at_least: float = 0.4) -> float:
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


class Peak:
    """The machine's matrix product."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        self.device = arguments.device
        self.a = torch.randn(2048, 2048, device=self.device)
        self.b = torch.randn(2048, 2048, device=self.device)

    def about(self) -> dict[str, Any]:
        _ = self.a @ self.b
        found = (
            torch.cuda.get_device_name() if self.device == "cuda" else f"{os.cpu_count()} cores ({platform.machine()})"
        )
        return {"device": found, "threads": torch.get_num_threads()}

    def measure(self) -> dict[str, float]:
        return {"flops": 2 * 2048**3 / seconds(lambda: self.a @ self.b, self.device)}


class Network:
    """One of the networks with random weights, standardised on synthetic objects."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        from asterism.learning.devices import to_device
        from asterism.learning.optimizers import parameter_groups
        from asterism.models.inputs import ImageInputs, ModelInputs, PhotometryInputs
        from asterism.models.model import create_model

        bands: Any = tuple("ugriz")
        quantities: Any = ("flux", "extinction", "psf_fwhm", "radius", "psf_probability", "psf_minus_model")
        inputs = ModelInputs(
            photometry=PhotometryInputs(
                group="photometry_sdss", survey="sdss", bands=bands, quantities=quantities, zero_point="sdss"
            ),
            image=ImageInputs(
                group="image_sdss", survey="sdss", bands=bands, shape=(32, 32), pixel_scale=0.396, zero_point="sdss"
            ),
        )
        torch.manual_seed(0)
        self.device = arguments.device
        self.model = create_model(name, inputs, ("STAR", "GALAXY", "QSO"))
        learn, answer = synthetic(arguments.train_batch, 0), synthetic(arguments.batch, 1)
        self.model.standardise([learn])
        self.model.to(self.device)
        place = torch.device(self.device)
        self.learn, self.answer = to_device(learn, place), to_device(answer, place)
        self.fitted = [*self.model.network.stages.values(), self.model]
        self.optimizers = []
        for part in self.fitted:
            part.requires_grad_(True)
            if part is self.model:
                for stage in self.fitted[:-1]:
                    stage.requires_grad_(False)
            self.optimizers.append(torch.optim.AdamW(parameter_groups(part, 1e-2), lr=1e-4, foreach=True))
        for stage in self.fitted[:-1]:
            stage.requires_grad_(True)

    def step(self) -> None:
        for part, optimizer in zip(self.fitted, self.optimizers, strict=True):
            part.train()
            logits = part(self.learn)["classification"]
            loss = torch.nn.functional.cross_entropy(logits.mean(1), self.learn["label"]["class"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def infer(self) -> None:
        self.model.eval()
        with torch.inference_mode():
            self.model.class_probabilities(self.answer)

    def about(self) -> dict[str, Any]:
        from torch.utils.flop_counter import FlopCounterMode

        counts = {}
        for kind, job, size in (("training", self.step, self.learn), ("inference", self.infer, self.answer)):
            with FlopCounterMode(display=False) as counter:
                job()
            counts[f"flop_{kind}"] = counter.get_total_flops() / len(size["row"])
        return counts

    def measure(self) -> dict[str, float]:
        return {
            "training": len(self.learn["row"]) / seconds(self.step, self.device),
            "inference": len(self.answer["row"]) / seconds(self.infer, self.device),
        }


class Trees:
    """LightGBM on 24 columns, 300 rounds of 31 leaves; it always runs on the CPU."""

    rounds = 300

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        self.device = "cpu"
        rng = np.random.default_rng(0)
        self.x, self.batch = rng.normal(size=(4000, 24)), rng.normal(size=(arguments.batch, 24))
        self.y = (self.x[:, 0] + 0.5 * self.x[:, 1] * self.x[:, 2] + rng.normal(size=4000) > 0).astype(int)
        self.y += (self.x[:, 3] > 0.5).astype(int)
        self.train()

    def train(self) -> None:
        from lightgbm import LGBMClassifier

        threads = torch.get_num_threads()
        self.model = LGBMClassifier(n_estimators=self.rounds, num_leaves=31, n_jobs=threads, verbose=-1)
        self.model.fit(self.x, self.y)

    def about(self) -> dict[str, Any]:
        return {}

    def measure(self) -> dict[str, float]:
        return {
            "training": len(self.x) * self.rounds / seconds(self.train, "cpu"),
            "inference": len(self.batch) / seconds(lambda: self.model.predict_proba(self.batch), "cpu"),
        }


def synthetic(n: int, seed: int) -> dict[str, Any]:
    """A batch of n objects as `asterism.catalogs.stream` would give it."""
    rng = np.random.default_rng(seed)
    flux = 10 ** rng.uniform(0, 2, (n, 5))
    y, x = np.mgrid[:32, :32] - 15.5
    stamps = flux[:, :, None, None] * np.exp(-(y**2 + x**2) / 8) / 25 + rng.normal(0, 0.02, (n, 5, 32, 32))

    def tensors(**arrays: Any) -> dict[str, torch.Tensor]:
        made = {name: torch.tensor(np.asarray(values), dtype=torch.float32) for name, values in arrays.items()}
        return {**made, "present": torch.ones(n, dtype=torch.bool)}

    return {
        "photometry": tensors(
            flux=flux,
            ivar=np.full((n, 5), 25.0),
            extinction=rng.uniform(0, 0.3, (n, 5)),
            psf_fwhm=rng.uniform(1, 1.6, (n, 5)),
            radius=rng.uniform(0.1, 2, (n, 5)),
            psf_probability=rng.uniform(0, 1, n),
            psf_minus_model=rng.normal(0, 0.1, (n, 5)),
        ),
        "image": tensors(flux=stamps, ivar=np.full((n, 5, 1, 1), 2500.0), psf_fwhm=rng.uniform(1, 1.6, (n, 5))),
        "label": {"class": torch.tensor(rng.integers(0, 3, n))},
        "row": torch.arange(n),
    }


if __name__ == "__main__":
    main()
