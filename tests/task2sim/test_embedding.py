"""Task vectors of an experiment: Task2Vec's numbers, computed once."""

import numpy as np
import pytest
import torch

from ndslib.core.models import ResNet18
from ndslib.data.labelled import Labelled
from ndslib.task2sim import embedding, task2vec
from ndslib.task2sim.embedding import task_vectors
from ndslib.task2sim.tasks import Task


def task(name: str, seed: int) -> Task:
    random = np.random.default_rng(seed)
    data = Labelled(random.integers(0, 256, (8, 3, 16, 16), dtype=np.uint8), np.arange(8) % 2)
    return Task(name, ("a", "b"), "natural", True, data, data, key=f"{name}{seed}")


def probe(seed: int = 0) -> ResNet18:
    torch.manual_seed(seed)
    return ResNet18(1, 2, "imagenet").eval()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Labelled]:
    """The data sets that a vector is computed of."""
    made = []

    def spy(network: ResNet18, data: Labelled, **options: object) -> np.ndarray:
        made.append(data)
        return task2vec(network, data, **options)

    monkeypatch.setattr(embedding, "task2vec", spy)
    return made


def test_a_row_a_task_as_task2vec_has_it():
    tasks = [task("one", 0), task("two", 1)]
    found = task_vectors(probe(), tasks, samples=16)
    assert found.shape[0] == 2
    for row, each in zip(found, tasks, strict=True):
        np.testing.assert_array_equal(row, task2vec(probe(), each.train, samples=16))


def test_only_what_is_new_is_computed(computed):
    first, second = task("one", 0), task("two", 1)
    task_vectors(probe(), [first], samples=16)
    task_vectors(probe(), [first, second], samples=16)
    assert len(computed) == 2
    task_vectors(probe(), [second, first], samples=16)
    assert len(computed) == 2
    task_vectors(probe(1), [first], samples=16)  # another probe
    task_vectors(probe(), [first], samples=17)  # other options
    task_vectors(probe(), [task("one", 2)], samples=16)  # other images
    assert len(computed) == 5
