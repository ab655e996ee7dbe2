import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.probe_scores import class_scores, r_squared
from asterism.learning.probes import CLASS_PROBES, VALUE_PROBES, Labelled, few_shot, probe_classes, probe_values
from asterism.learning.whitening import Whitening


def sky(n=900, noise=0.02, seed=0):
    """Directions that turn with redshift, in a space of 12 numbers, and the redshifts."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(0, 1.2, n)
    turn = np.linalg.qr(np.random.default_rng(99).normal(size=(12, 12)))[0]
    x = np.column_stack([np.cos(z), np.sin(z), noise * rng.normal(size=(n, 10))]) @ turn
    return x.astype(np.float32), z


def parts(x, y):
    return Labelled(x[:600], y[:600]), Labelled(x[600:700], y[600:700]), x[700:], y[700:]


@pytest.mark.parametrize("method", VALUE_PROBES)
@pytest.mark.parametrize("held", [True, False])
def test_what_the_embedding_holds_is_read_off_it(method, held):
    reference, validation, queries, truth = parts(*sky())
    found = probe_values(method, reference, queries, validation if held else None)
    assert r_squared(found.predicted, truth) > 0.97
    assert found.chosen.keys() <= {"k", "alpha"}


def small_in_large(n=900):
    """Redshift and class in directions of a tenth of the scatter of the others."""
    rng = np.random.default_rng(3)
    z = rng.uniform(0, 1.2, n)
    x = np.column_stack([np.full(n, 5.0), 0.1 * np.cos(3 * z), 0.1 * np.sin(3 * z), rng.normal(size=(n, 6))])
    return x.astype(np.float32), z


def test_a_whitening_is_taken_where_it_serves():
    reference, validation, queries, truth = parts(*small_in_large())
    plain = probe_values("knn", reference, queries, validation)
    white = probe_values("knn", reference, queries, validation, whitening=Whitening.fit(reference.vectors))
    assert "whitened" not in plain.chosen
    assert white.chosen["whitened"] is True
    assert r_squared(white.predicted, truth) > r_squared(plain.predicted, truth) + 0.3
    # Directions that only hold noise are not made as large as the others where that is worse.
    reference, validation, queries, _ = parts(*sky(noise=0.002))
    whitening = Whitening.fit(reference.vectors)
    assert probe_values("knn", reference, queries, validation, whitening=whitening).chosen["whitened"] is False


def test_a_whitening_serves_classes_too():
    x, z = small_in_large()
    names = np.where(z > 0.6, "far", "near")
    reference, validation, queries, truth = parts(x, names)
    found = probe_classes("knn", reference, queries, validation, whitening=Whitening.fit(reference.vectors))
    assert found.chosen["whitened"] is True
    assert np.mean(found.predicted == truth) > 0.85


@pytest.mark.parametrize("method", VALUE_PROBES)
def test_what_it_does_not_hold_is_not(method):
    x, _ = sky()
    z = np.random.default_rng(5).uniform(0, 1, len(x))
    reference, validation, queries, truth = parts(x, z)
    found = probe_values(method, reference, queries, validation)
    assert r_squared(found.predicted, truth) < 0.1


def test_length_of_a_vector_is_nothing_to_cosine_neighbours():
    x, z = sky()
    reference, validation, queries, _ = parts(x, z)
    stretched = Labelled(reference.vectors * np.linspace(1, 9, 600)[:, None], reference.labels)
    assert np.allclose(
        probe_values("knn", stretched, 4 * queries, validation).predicted,
        probe_values("knn", reference, queries, validation).predicted,
        atol=1e-5,
    )
    far = probe_values("knn", stretched, 4 * queries, validation, metric="euclidean")
    assert not np.allclose(far.predicted, probe_values("knn", reference, queries, validation).predicted, atol=1e-2)


def test_the_weighted_mean_and_median_of_neighbours_are_what_they_say():
    angle = np.array([0.1, -0.2, 0.4, 2.0])
    reference = Labelled(np.stack([np.cos(angle), np.sin(angle)], 1), np.array([1.0, 2.0, 6.0, 100.0]))
    distance = 2 * np.sin(np.abs(angle[:3]) / 2)
    weights = 1 / distance
    query = np.array([[1.0, 0.0]])
    mean = probe_values("knn", reference, query, reference, neighbours=[3])
    assert mean.predicted[0] == pytest.approx(np.average([1.0, 2.0, 6.0], weights=weights), abs=1e-6)
    assert mean.chosen == {"k": 3}
    # The nearest weighs more than the two others together.
    assert probe_values("knn_median", reference, query, reference, neighbours=[3]).predicted[0] == 1


def test_the_number_of_neighbours_is_chosen_by_the_validation_objects():
    x, z = sky(noise=0.3)
    noisy = z + np.random.default_rng(3).normal(0, 0.5, len(z))
    reference, validation, queries, _ = parts(x, noisy)
    assert probe_values("knn", reference, queries, validation).chosen["k"] >= 16
    # Whose labels are those of one neighbour, by construction.
    nearest = probe_values("knn", reference, validation.vectors, validation, neighbours=[1])
    told = Labelled(validation.vectors, nearest.predicted)
    assert probe_values("knn", reference, queries, told).chosen["k"] == 1


def test_without_validation_no_object_predicts_itself():
    x, _ = sky(200)
    z = np.random.default_rng(8).normal(size=200)
    found = probe_values("knn", Labelled(x, z), x[:50])
    # A reference that may look at itself would choose one neighbour, which is always right.
    assert found.chosen["k"] > 1


@pytest.mark.parametrize("method", CLASS_PROBES)
@pytest.mark.parametrize("held", [True, False])
def test_classes_are_read_off(method, held):
    x, z = sky()
    names = np.array(["STAR", "GALAXY", "QSO"])[np.digitize(z, [0.1, 0.8])]
    reference, validation, queries, truth = parts(x, names)
    found = probe_classes(method, reference, queries, validation if held else None)
    assert class_scores(found.predicted, truth)["macro_recall"] > 0.9


def test_votes_are_balanced_where_that_helps_the_rare():
    rng = np.random.default_rng(6)
    common, rare = rng.normal([1, 0.0], 0.35, (900, 2)), rng.normal([1, 0.5], 0.35, (60, 2))
    x = np.vstack([common, rare])
    names = np.array(["common"] * 900 + ["rare"] * 60)
    order = rng.permutation(960)
    x, names = x[order], names[order]
    found = probe_classes("knn", Labelled(x[:600], names[:600]), x[750:], Labelled(x[600:750], names[600:750]))
    assert found.chosen["balanced"]
    assert class_scores(found.predicted, names[750:])["recall"]["rare"] > 0.5


def test_more_labels_are_worth_more_and_draws_scatter():
    x, z = sky(noise=0.2)
    reference, _, queries, truth = parts(x, z)
    found = few_shot(
        lambda few: probe_values("knn", few, queries),
        lambda answer: r_squared(answer, truth),
        reference,
        labels=(10, 100, 1000),
        draws=4,
    )
    assert list(found) == ["10", "100"]  # the reference has 600
    assert found["100"]["mean"] > found["10"]["mean"]
    assert found["10"]["std"] > 0
    assert len(found["10"]["values"]) == 4
    assert found["10"]["std"] == pytest.approx(np.std(found["10"]["values"], ddof=1))


def test_a_few_labels_of_one_class_answer_that_class():
    x, _ = sky(50)
    found = probe_classes("linear", Labelled(x[:10], np.array(["STAR"] * 10)), x[10:])
    assert set(found.predicted) == {"STAR"}


def test_bad_input_is_one_sentence():
    reference, validation, queries, _ = parts(*sky())
    with pytest.raises(ConfigurationError, match="601 neighbours were asked for and the reference has 600"):
        probe_values("knn", reference, queries, validation, neighbours=[601])
    with pytest.raises(ConfigurationError, match="the reference has 599"):  # each from the others
        probe_values("knn", reference, queries, neighbours=[600])
    with pytest.raises(ConfigurationError, match="did you mean 'knn'"):
        probe_values("knnn", reference, queries)
    with pytest.raises(ConfigurationError, match="metric"):
        probe_values("knn", reference, queries, metric="cosin")
    with pytest.raises(BadInputError, match="0 labelled objects are no reference"):
        probe_classes("knn", reference.take(np.zeros(600, bool)), queries)
    with pytest.raises(BadInputError, match="no validation object is labelled"):
        probe_values("linear", reference, queries, validation.take(np.zeros(100, bool)))
    with pytest.raises(BadInputError, match="width 5"):
        probe_values("linear", reference, queries[:, :5])
    with pytest.raises(BadInputError, match="not finite"):
        probe_values("knn", Labelled(reference.vectors, np.full(600, np.nan)), queries)
    with pytest.raises(ConfigurationError, match="no scatter"):
        few_shot(lambda few: probe_values("knn", few, queries), np.mean, reference, draws=1)
