"""Training steps of AVIS's image encoder with freed memory kept, beside the same without.

python benchmarks/step_memory.py [--rounds 3] [--batch 256]

Random stamps of 3 × 152 × 152 are varied as in alignment and go through the encoder and back, in processes of their own, in turn. Times
are processor time of one thread.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

_STEPS = 5


def one(batch: int, keep: bool) -> float:
    """Milliseconds of one core per object."""
    import torch

    from asterism.learning.augment import Augmentation
    from asterism.learning.config import AugmentConfig
    from asterism.learning.memory import keep_freed_memory
    from asterism.learning.recipe import ALIGNMENT_VIEWS
    from asterism.models.avis_image import ImageEncoder
    from asterism.models.inputs import ImageInputs

    torch.set_num_threads(1)
    if keep and not keep_freed_memory():
        raise SystemExit("this C library can't be told to keep memory; there is nothing to measure")
    inputs = ImageInputs(
        group="image_legacy", survey="legacy", bands=("g", "r", "z"), shape=(152, 152), pixel_scale=0.262
    )
    generator = torch.Generator().manual_seed(0)
    stamps = {
        "flux": torch.randn(batch, 3, 152, 152, generator=generator),
        "ivar": torch.ones(batch, 3, 1, 1),
        "present": torch.ones(batch, dtype=torch.bool),
    }
    augment = Augmentation(AugmentConfig(**ALIGNMENT_VIEWS), None, 0.262)
    encoder = ImageEncoder(inputs, 144, 96, 4, 1, (32, 64))
    encoder.observe(stamps)
    encoder.settle()
    started = 0.0
    for step in range(_STEPS + 1):
        if step == 1:  # the first is not counted
            started = time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = encoder(augment({"image": stamps}, generator)["image"])
        found.float().sum().backward()
    return (time.process_time() - started) / _STEPS / batch * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--one", choices=("kept", "given back"), help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.one:
        print(one(a.batch, a.one == "kept"))
        return
    times: dict[str, list[float]] = {"given back": [], "kept": []}
    for _ in range(a.rounds):
        for name, found in times.items():
            command = [sys.executable, __file__, "--batch", str(a.batch), "--one", name]
            found.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    for name, found in times.items():
        print(f"{name}: {statistics.median(found):.2f} ms per object ({min(found):.2f} to {max(found):.2f})")
    print(
        f"{statistics.median(times['given back']) / statistics.median(times['kept']):.2f} times as fast with memory kept"
    )


if __name__ == "__main__":
    main()
