import numpy as np

from asterism.papers.avis.asking import Parts, ask
from asterism.papers.avis.rows import Fit


def test_the_mean_of_the_class_is_that_of_the_objects_learned_from(place, paper):
    parts = Parts(Fit("mean", 0), paper, place)
    found = ask("redshift", parts, "tiny")["class"].found["redshift_QSO"]["mean"]
    learned = parts.samples[0][1].values("redshift_QSO")
    assert np.allclose(found.predicted, np.nanmean(learned))


def test_a_supervised_network_is_told_the_class(place, paper):
    parts = Parts(Fit("supervised-image", 0), paper, place)
    found = ask("redshift", parts, "tiny")["image"].found
    assert set(found) == {"redshift_GALAXY", "redshift_QSO"}
    objects = parts.samples[2][1]
    for name, probes in found.items():
        assert set(probes) == {"network"}
        assert objects.known(name)[probes["network"].places].all()
        assert np.isfinite(probes["network"].predicted).all()
    assert set(ask("labels", parts, "tiny")["image"].found) == {"class"}


def test_labels_are_all_that_is_no_redshift(place, paper):
    parts = Parts(Fit("pca", 0), paper, place)
    assert set(parts.vectors[2].vectors) == {"image", "spectrum"}
    assert len(parts.samples[2][1]) == len(paper.open("test"))
