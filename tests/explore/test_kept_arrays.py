import json

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.explore.kept_arrays import arrays_fingerprint, read_arrays, write_arrays

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], np.int64)}


def test_what_was_written_is_read(tmp_path):
    write_arrays(tmp_path / "kept", {"seed": 3}, ARRAYS)
    about, arrays = read_arrays(tmp_path / "kept", "thing")
    assert about["seed"] == 3
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], values)
        assert arrays[name].dtype == values.dtype


def test_what_is_missing_or_damaged_is_one_sentence(tmp_path):
    with pytest.raises(BadInputError, match="holds no thing"):
        read_arrays(tmp_path / "kept", "thing")
    write_arrays(tmp_path / "kept", {}, ARRAYS)
    numbers = (tmp_path / "kept.safetensors").read_bytes()
    (tmp_path / "kept.safetensors").write_bytes(numbers[:-3])
    with pytest.raises(BadInputError, match="truncated"):
        read_arrays(tmp_path / "kept", "thing")
    (tmp_path / "kept.safetensors").write_bytes(numbers)
    text = json.loads((tmp_path / "kept.json").read_text())
    text["arrays"]["a"][1] = 3
    (tmp_path / "kept.json").write_text(json.dumps(text))
    with pytest.raises(BadInputError, match="does not hold what"):
        read_arrays(tmp_path / "kept", "thing")
    (tmp_path / "kept.json").write_text("{")
    with pytest.raises(BadInputError, match="damaged"):
        read_arrays(tmp_path / "kept", "thing")


def test_the_fingerprint_is_that_of_the_content():
    same = arrays_fingerprint({"seed": 3}, {name: values.copy() for name, values in ARRAYS.items()})
    assert arrays_fingerprint({"seed": 3}, ARRAYS) == same
    assert arrays_fingerprint({"seed": 4}, ARRAYS) != same
    assert arrays_fingerprint({"seed": 3}, {**ARRAYS, "b": np.array([1, 3])}) != same
