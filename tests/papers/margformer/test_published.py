from asterism.papers.margformer.methods import METHODS
from asterism.papers.margformer.published import PUBLISHED, SHARED_IN_TEST


def test_every_published_method_takes_part_and_has_all_six_figures():
    assert set(PUBLISHED) <= {method.name for method in METHODS}
    for figures in PUBLISHED.values():
        assert set(figures) == {(f"experiment{k}", c) for k in (1, 2, 3) for c in ("sg", "sgq")}


def test_figures_are_those_of_the_papers():
    assert PUBLISHED["margnet-ensemble"]["experiment3", "sgq"].accuracy == 0.7335
    assert PUBLISHED["margnet-cnn"]["experiment2", "sg"].accuracy == 0.9522
    ours = PUBLISHED["margformer-published"]["experiment3", "sgq"]
    assert (ours.accuracy, ours.precision, ours.recall, ours.error) == (0.752, 0.779, 0.753, 0.001)
    assert round(SHARED_IN_TEST[0] / SHARED_IN_TEST[1], 2) == 0.27
