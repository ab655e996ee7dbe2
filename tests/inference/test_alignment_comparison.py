import numpy as np
import pytest

from asterism.inference.alignment_comparison import beside_section, differences
from asterism.inference.embedding_probes import Found, Probed
from asterism.inference.probed_objects import ProbedObjects
from asterism.inference.results import Results
from asterism.learning.probe_scores import r_squared

Z = np.random.default_rng(0).uniform(0.1, 1.0, 200)
IDS = np.array([str(i) for i in range(200)], object)
OBJECTS = ProbedObjects(np.arange(200), IDS, IDS, {"redshift_GALAXY": Z}, {}, Z, np.full(200, 20.0), "r")


def answers(noise, probe="knn", kept=200):
    z = Z + noise * np.random.default_rng(1).normal(size=200)
    return Probed({"redshift_GALAXY": {probe: Found({}, z[:kept], Z[:kept], np.arange(kept))}})


def test_ours_is_put_beside_the_same_embedding_or_the_only_one():
    ours = {"image": answers(0.1), "spectrum": answers(0.01)}
    same = differences(ours, {"image": answers(0.2), "spectrum": answers(0.2)}, OBJECTS)
    assert set(same) == {(name, figure) for name in ours for figure in ("r2", "sigma_nmad")}
    assert same["image", "r2"]["interval"][0] > 0
    trees = differences(ours, {"photometry": answers(0.05, "trees", kept=150)}, OBJECTS)
    assert trees["image", "r2"]["interval"][1] < 0 < trees["spectrum", "r2"]["interval"][0]
    # On the objects that both answer for.
    both = (answers(noise).found["redshift_GALAXY"]["knn"].predicted[:150].clip(0) for noise in (0.1, 0.05))
    wanted, theirs = (r_squared(z, Z[:150]) for z in both)
    assert trees["image", "r2"]["ours_minus_theirs"] == pytest.approx(wanted - theirs)
    assert differences(ours, {"image": Probed()}, OBJECTS) == {}


def test_the_page_marks_what_is_better_and_worse():
    found = differences({"image": answers(0.1)}, {"photometry": answers(0.05, "trees")}, OBJECTS)
    told = {f"{name}_{figure}": d for (name, figure), d in found.items()}
    results = Results({"knn_of": "redshift_GALAXY"}, {"lightgbm": {"difference": told}})
    (section,) = beside_section(results)
    cells = section.tables[0].rows[0]
    assert [cell.text for cell in cells[:2]] == ["image", "lightgbm"]
    assert [cell.verdict for cell in cells[2:]] == ["worse", "worse"]
    assert "galaxies" in section.texts[0]
    assert beside_section(Results({}, {})) == []
