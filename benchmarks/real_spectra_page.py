"""What `real_spectra.py` left, as Markdown for the page of the simulator's results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

import asterism
from real_spectra import CANDIDATES, CHOICE_SIZE, CHOSEN, CLASSES, SETS, scores_folder

MARK = 0.93
NEAR = 0.3


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def spread(values: Sequence[float], digits: int = 3) -> str:
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{deviation}"


def wilson(right: int, n: int) -> tuple[float, float]:
    interval = binomtest(right, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def macro_interval(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """95 % interval of a mean of independent proportions from their Wilson intervals.

    Zou, Huang & Zhang (2009, Comput. Stat. Data Anal. 53, 1080): the distances of the limits from the estimates add in
    quadrature.
    """
    shares = np.array([right / n for right, n in counts])
    limits = np.array([wilson(right, n) for right, n in counts])
    down, up = np.sqrt(((shares - limits[:, 0]) ** 2).sum()), np.sqrt(((limits[:, 1] - shares) ** 2).sum())
    return float(shares.mean() - down / len(counts)), float(shares.mean() + up / len(counts))


def scores(home: Path, name: str, size: int) -> list[dict[str, Any]]:
    found = [json.loads(p.read_text()) for p in sorted(scores_folder(home).glob(f"{name}-[0-9]*-{size}.json"))]
    return sorted(found, key=lambda one: one["seed"])


def counts_of(score: dict[str, Any], keep: np.ndarray | None = None) -> list[tuple[int, int]]:
    """Right and all, by class."""
    labels = np.array(score["class"])
    right = np.array(CLASSES)[np.array(score["p"]).argmax(axis=1)] == labels
    taken = np.ones(len(labels), bool) if keep is None else keep
    return [(int((right & taken & (labels == c)).sum()), int((taken & (labels == c)).sum())) for c in CLASSES]


def score_rows(found: list[dict[str, Any]], title: str) -> list[list[str]]:
    per_seed = [counts_of(score) for score in found]
    rows = []
    for score, counts in zip(found, per_seed, strict=True):
        low, high = macro_interval(counts)
        cells = [f"{r}/{n} [{wilson(r, n)[0]:.3f}, {wilson(r, n)[1]:.3f}]" for r, n in counts]
        rows.append(
            [title, str(score["seed"]), f"{np.mean([r / n for r, n in counts]):.3f} [{low:.3f}, {high:.3f}]", *cells]
        )
    means = [spread([counts[k][0] / counts[k][1] for counts in per_seed]) for k in range(3)]
    macro = spread([float(np.mean([r / n for r, n in counts])) for counts in per_seed])
    rows.append([title, "mean ± std", f"**{macro}**", *means])
    return rows


def real_section(home: Path, size: int) -> str:
    rows, said = [], []
    for name in SETS:
        found = scores(home, name, size)
        if found:
            rows += score_rows(found, name)
            macro = float(np.mean([np.mean([r / n for r, n in counts_of(s)]) for s in found]))
            said.append(f"`{name}` {'reaches' if macro >= MARK else 'misses'} {MARK} with {macro:.3f}")
    control = scores(home, "default-noise", size)
    text = table(["trained on", "seed", "macro recall", *(f"recall {c}" for c in CLASSES)], rows)
    text += f"\nOver the seeds' mean, {'; '.join(said)}.\n"
    if control:
        text += (
            "\nControl: signal-to-noise in five parts of the range and nothing else, trained on `default`, reaches "
            f"{spread([float(np.mean(s['recall'])) for s in control])}: that much exposure, magnitude and spectrograph give "
            "away (a third would be chance). The classifier above sees neither inverse variance nor scale, but the noise is "
            "in its fluxes.\n"
        )
    return text


def spectrograph_section(home: Path, size: int) -> str:
    rows = []
    for name in SETS:
        for which in ("sdss", "boss"):
            found = scores(home, name, size)
            if not found:
                continue
            keep = np.array(found[0]["spectrograph"]) == which
            counts = [counts_of(score, keep) for score in found]
            cells = []
            for k in range(3):
                n = counts[0][k][1]
                cells.append(f"{np.mean([c[k][0] for c in counts]):.1f} of {n}" if n else "–")
            rows.append([name, which, *cells])
    head = ["trained on", "taken with", *(f"{c} right, mean over seeds" for c in CLASSES)]
    return table(head, rows)


def wrong_section(home: Path, size: int) -> str:
    by_set = {name: found for name in SETS if (found := scores(home, name, size))}
    first = next(iter(by_set.values()))[0]
    rows = []
    for i, key in enumerate(first["id"]):
        cells, any_wrong = [], False
        for found in by_set.values():
            wrong = [CLASSES[int(np.argmax(s["p"][i]))] for s in found]
            wrong = [c for c in wrong if c != first["class"][i]]
            any_wrong |= bool(wrong)
            cells.append(f"{'/'.join(sorted(set(wrong)))} {len(wrong)} of {len(found)}" if wrong else "")
        if any_wrong:
            label = " ".join(filter(None, (first["class"][i], first["subclass"][i])))
            rows.append(
                [key, label, f"{first['redshift'][i]:.3f}", f"{first['sn'][i]:.1f}", first["spectrograph"][i], *cells]
            )
    order = sorted(rows, key=lambda row: (row[1], float(row[2])))
    return table(["plate-MJD-fibre", "class", "z", "S/N", "", *(f"`{n}` says" for n in by_set)], order)


def across_section(home: Path, size: int) -> str:
    found = [json.loads(p.read_text()) for p in sorted(scores_folder(home).glob(f"across-*-{size}.json"))]
    if not found:
        return ""
    rows = []
    for a in SETS:
        rows.append([f"`{a}`", *(spread([float(np.mean(one[a][b])) for one in found]) for b in SETS)])
    detail = []
    for a in SETS:
        for b in SETS:
            if a != b:
                values = [spread([one[a][b][k] for one in found]) for k in range(3)]
                detail.append([f"`{a}`", f"`{b}`", *values])
    return (
        table(["trained on ↓, tested on →", *(f"`{b}`" for b in SETS)], rows)
        + "\n"
        + table(["trained on", "tested on", *(f"recall {c}" for c in CLASSES)], detail)
    )


def choice_section(home: Path) -> str:
    path = home / "choice.json"
    source = ""
    if not path.is_file():
        older = sorted(home.parent.glob("*/choice.json"), key=lambda p: p.stat().st_mtime)
        if not older:
            return "The candidates were not compared in this working directory.\n"
        path, source = older[-1], " (made with an earlier state of the simulator)"
    found = json.loads(path.read_text())
    rows = [
        [f"**{title}**" if title == CHOSEN else title, *(f"{found[title][k]:.3f}" for k in ("own", "others", "worst"))]
        for title in CANDIDATES
        if title in found
    ]
    return (
        f"Macro recall on simulated spectra{source}: trained on two thirds of {CHOICE_SIZE} objects of one set, scored on "
        "the other third, of the same set and of the three others (mean and worst of the twelve pairs).\n\n"
        + table(["candidate", "same libraries", "other libraries", "worst pair"], rows)
    )


def looks_section(home: Path) -> str:
    path = home.parent / "looks.jsonl"
    looks = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    groups: dict[tuple[str, str, str, int], list[float]] = {}
    for one in looks:
        key = (one["code"], one["set"], one["features"], one["size"])
        groups.setdefault(key, []).append(float(np.mean(one["recall"])))
    rows = [
        [
            f"{code}{' (this one)' if code == home.name else ''}",
            name,
            what,
            str(size),
            ", ".join(f"{m:.3f}" for m in macro),
        ]
        for (code, name, what, size), macro in groups.items()
    ]
    head = ["simulator's source", "trained on", "features", "objects", "macro recall, in order"]
    return f"{len(looks)} scores on real spectra were made:\n\n{table(head, rows)}"


def libraries_text() -> str:
    lines = []
    for name, libraries in SETS.items():
        if libraries is None:
            lines.append(f"* `{name}`: no template files")
        elif not libraries:
            lines.append(
                f"* `{name}`: the first libraries found (stars and white dwarfs redrock, galaxies eigen, quasars desisim)"
            )
        else:
            said = ", ".join(f"{role.replace('_', ' ')} {library}" for role, library in libraries.items())
            lines.append(f"* `{name}`: {said}")
    return "\n".join(lines)


def real_text(score: dict[str, Any]) -> tuple[str, int]:
    labels, which = np.array(score["class"]), np.array(score["spectrograph"])
    said = ", ".join(
        f"{c} {int((labels == c).sum())} ({int(((labels == c) & (which == 'boss')).sum())} with BOSS)" for c in CLASSES
    )
    place = np.array([score["ra"], score["dec"]]).T
    known = np.isfinite(place).all(axis=1)
    same = int(known.sum()) - len(np.unique(np.round(place[known], 3), axis=0))
    return f"{len(labels)} spectra, one for each plate, MJD and fibre: {said}", same


def near_quasars_text(home: Path, size: int) -> str:
    """Quasars with a host to see, real and simulated."""
    name, first = next((name, found[0]) for name in SETS if (found := scores(home, name, size)))
    near = (np.array(first["class"]) == "QSO") & (np.array(first["redshift"]) < NEAR)
    path = home / "sets" / f"{name}-{first['seed']}-{size}.npz"
    if not path.is_file():
        return ""
    with np.load(path) as made:
        redshift = made["redshift"][made["class"] == "QSO"]
    right = [f"`{n}` {counts_of(f[0], near)[1][0]}" for n in SETS if (f := scores(home, n, size))]
    return (
        f"Of the real quasars {near.sum()} lie below z = {NEAR}, of the simulated ones {(redshift < NEAR).sum()} of "
        f"{len(redshift)} (`{name}`, seed {first['seed']}). Right among the {near.sum()}, same seed: {', '.join(right)}.\n"
    )


def page_text(home: Path, size: int) -> str:
    first = next((found[0] for name in SETS if (found := scores(home, name, size))), None)
    if first is None:
        raise SystemExit(f"nothing was scored under {home} with {size} objects; run the command `run` first")
    content, same = real_text(first)
    return f"""## Classes of real SDSS and BOSS spectra, learned from simulated ones

Asterism {asterism.__version__}, simulator's source {home.name}; `python benchmarks/real_spectra.py`. For each seed {size}
objects of `sdss-spectro` with spectra were simulated, in the survey's class fractions (59 % galaxies, 22 % stars, 19 %
quasars); LightGBM with classes weighted to be equal learned their class from {CHOSEN} (pixels of 1e-4 dex from 3841 to
9168 Å in the observed frame, means weighted by inverse variance): flux over the object's own median, and flux over a smooth
continuum. It sees neither inverse variance, magnitude nor redshift. Sets of libraries:

{libraries_text()}

The real spectra: {content}; class by the survey's pipeline. {same} of them are further spectra of an object that is there
already (same place), so the intervals are slightly too narrow. All real stars were taken with SDSS's spectrographs and most
real quasars with BOSS's, and so it is in the simulation.

### Tested on real spectra

Intervals: Wilson, 95 %; of the macro recall from those of the classes (Zou et al. 2009). They are of the real objects'
number; ± is the standard deviation over seeds, which share the real objects.

{real_section(home, size)}
{spectrograph_section(home, size)}
{near_quasars_text(home, size)}
Wrong in at least one run:

{wrong_section(home, size)}
### From one library to another

Macro recall on simulated spectra. Trained on one seed, tested on the next one's, which are other objects; mean and standard
deviation over the seeds. `default` against `eigen` changes stars, white dwarfs and quasars; `default` against `crossed`
changes every role.

{across_section(home, size)}
### What was chosen, and on what

{choice_section(home)}
Simulated spectra decided; real labels did not. But the simulator isn't blind to these files: SDSS's resolution, BOSS's
seeing and the flux-proportional error were set after a look at the noise and resolution of these same spectra (comments in
`asterism.simulate.spectroscopy.spectrographs`), and while the embedded and template spectra were made, an earlier classifier of the same
kind (flux and continuum-divided flux in bins of 12 pixels, plain Gaussian noise) was run on the real spectra several times,
with scores from .928 to .945. Its form is where the candidates come from.

{looks_section(home)}"""
