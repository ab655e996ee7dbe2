"""Tasks by name, and the grid that a run's redshifts ask for."""

import pytest

from asterism.catalogs.roles import bind_roles
from asterism.errors import ConfigurationError
from asterism.learning.classification import Classification
from asterism.learning.config import parse_settings
from asterism.learning.redshift import ClassAndRedshift, Redshift
from asterism.learning.tasks import goal_of, parse_tasks, redshift_config
from asterism.learning.training_set import choose_objects


@pytest.fixture
def chosen(make_sky):
    catalog = make_sky(rows=240)

    def choose(*tasks, where=None):
        bindings = bind_roles(catalog.schema, "photometry")
        return choose_objects(catalog, bindings, split=None, where=where, tasks=tasks)

    return choose


def test_tasks_have_one_order_and_the_nearest_is_named():
    assert parse_tasks("redshift, classification") == ("classification", "redshift")
    assert parse_tasks("redshift") == ("redshift",)
    for text, says in (("redshfit", "did you mean 'redshift'"), ("", "unknown task ''"), ("redshift,", "unknown task")):
        with pytest.raises(ConfigurationError, match=says):
            parse_tasks(text)


def test_alignment_goes_alone():
    assert parse_tasks("alignment") == ("alignment",)
    with pytest.raises(ConfigurationError, match="goes with no other task"):
        parse_tasks("classification,alignment")
    with pytest.raises(ConfigurationError, match="did you mean 'alignment'"):
        parse_tasks("alignement")


def test_each_set_of_tasks_has_its_goal(chosen):
    config = parse_settings([])
    kinds = {("classification",): Classification, ("redshift",): Redshift}
    kinds[("classification", "redshift")] = ClassAndRedshift
    for tasks, kind in kinds.items():
        objects = chosen(*tasks)
        assert type(goal_of(objects, config, redshift_config(objects, config))) is kind


def test_the_grid_covers_what_is_learned_and_stars_have_no_density(chosen):
    objects = chosen("classification", "redshift")
    made = redshift_config(objects, parse_settings(["redshift.points=77"]))
    largest = max(z.max() for z in objects.redshifts().values())
    assert largest < made.z_max < 1.05 * (1 + largest) - 1
    assert made.points == 77
    assert made.classes == ("GALAXY", "QSO")
    assert redshift_config(chosen("redshift"), parse_settings([])).classes == ()
    assert redshift_config(chosen("classification"), parse_settings([])) is None


def test_a_grid_that_does_not_cover_the_redshifts_says_how_many_lie_outside(chosen):
    objects = chosen("redshift")
    z = objects.redshifts()["objects"]
    outside = int((z > 1.5).sum())
    assert outside
    with pytest.raises(ConfigurationError, match=rf"ends at redshift\.z_max=1\.5 and {outside} of {len(z)} objects"):
        redshift_config(objects, parse_settings(["redshift.z_max=1.5"]))
    within = chosen("redshift", where="redshift <= 1.5")
    assert redshift_config(within, parse_settings(["redshift.z_max=1.5"])).z_max == 1.5
