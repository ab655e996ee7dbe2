import pytest

from asterism.errors import ConfigurationError
from asterism.papers.macnet.rows import PARTS
from asterism.papers.macnet.scales import SCALES, scale_named


def test_a_scale_by_name():
    assert scale_named("small") is SCALES["small"]
    with pytest.raises(ConfigurationError, match="unknown scale"):
        scale_named("huge")


def test_scales_run_parts_of_the_table_and_grow():
    objects = [sum(SCALES[name].objects.values()) for name in ("tiny", "small", "medium", "full")]
    assert objects == sorted(objects)
    assert all(set(scale.parts) <= set(PARTS) for scale in SCALES.values())
    assert set(SCALES["full"].parts) == set(PARTS)
