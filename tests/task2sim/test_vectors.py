"""Files of task vectors that cannot be read, and vectors that do not go together."""

import json

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.task2sim.vectors import TaskVectors


def test_a_single_array_is_refused_by_name(tmp_path):
    np.save(tmp_path / "vectors.npy", np.ones((2, 3)))
    with pytest.raises(InputError, match=r"vectors\.npy: not a readable \.npz of task vectors"):
        TaskVectors.load(tmp_path / "vectors.npy")


@pytest.mark.parametrize("vector", [np.array(["a", "b"]), np.ones(2, complex), np.array([b"1", b"2"])])
def test_vectors_of_something_else_than_numbers_are_refused(tmp_path, vector):
    np.savez(tmp_path / "vectors.npz", digits=np.ones(2), faces=vector)
    with pytest.raises(InputError, match=rf"vectors\.npz: 'faces' is {vector.dtype}; wanted a vector of numbers"):
        TaskVectors.load(tmp_path / "vectors.npz")


@pytest.mark.parametrize(
    "recipe", ["{", "[1]", "null", "{}", json.dumps({"probe": 3}), json.dumps({"probe": {"name": "resnet18"}})]
)
def test_a_damaged_recipe_is_refused(tmp_path, recipe):
    np.savez(tmp_path / "vectors.npz", **{"digits": np.ones(2), ":recipe": np.array(recipe)})
    with pytest.raises(InputError, match=r"vectors\.npz: its entry ':recipe' is damaged \(.*make the file again"):
        TaskVectors.load(tmp_path / "vectors.npz")


def test_vectors_of_another_length_do_not_join():
    one, other = (TaskVectors((name,), np.ones((1, size), np.float32)) for name, size in (("digits", 3), ("faces", 4)))
    with pytest.raises(InputError, match="vectors of 3 and of 4 values cannot be compared"):
        one.joined(other)
