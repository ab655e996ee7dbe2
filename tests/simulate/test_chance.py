"""An object's chance is its own."""

import numpy as np

from asterism.simulate.chance import object_generators, object_uniforms
from asterism.simulate.objects.population import Population


def some(n):
    objects = Population.empty(n)
    objects.ra[:] = np.random.default_rng(0).uniform(0, 360, n)
    return objects


def test_it_does_not_depend_on_the_company_or_the_call():
    objects = some(50)
    first = object_uniforms(objects, 3)
    np.testing.assert_array_equal(object_uniforms(objects.take(np.array([7, 3])), 3), first[[7, 3]])
    assert [rng.random() for rng in object_generators(objects)] == first[:, 0].tolist()


def test_it_is_uniform_and_differs_between_objects():
    drawn = object_uniforms(some(2000), 2)
    assert drawn.shape == (2000, 2)
    assert len(np.unique(drawn)) == 4000
    np.testing.assert_allclose(np.percentile(drawn, [10, 50, 90]), [0.1, 0.5, 0.9], atol=0.03)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.08


def test_no_objects_no_numbers():
    assert object_uniforms(some(0), 2).shape == (0, 2)
