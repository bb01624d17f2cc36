"""Labelled images in memory, on their way to other processes, and small parts of labelled tables."""

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.labelled import Labelled, few_per_class, only


def labelled(labels: list[str]) -> pa.Table:
    return sample_table.from_rows(
        {
            "id": f"d/{number}",
            "dataset": "d",
            "uri": f"/{number}.png",
            "split": "train",
            "label": label,
            "width": 8,
            "height": 8,
            "bytes": 1,
        }
        for number, label in enumerate(labels)
    )


def ids(table: pa.Table) -> set[str]:
    return set(table["id"].to_pylist())


def per_class(table: pa.Table) -> dict[str, int]:
    return {each["values"]: each["counts"] for each in table["label"].value_counts().to_pylist()}


@pytest.fixture
def stored(tmp_path: Path) -> Labelled:
    """Sixteen images whose pixels lie in a file."""
    place = tmp_path / "images.npy"
    np.save(place, np.random.default_rng(0).integers(0, 256, (16, 3, 32, 32), dtype=np.uint8))
    return Labelled(np.load(place, mmap_mode="r"), np.arange(16) % 3)


def test_images_and_labels_go_together():
    with pytest.raises(InputError, match="2 images but 3 labels"):
        Labelled(np.zeros((2, 3, 4, 4), np.uint8), np.zeros(3, np.int64))
    with pytest.raises(InputError, match="there are no images"):
        Labelled(np.zeros((0, 3, 4, 4), np.uint8), np.zeros(0, np.int64))


def test_classes_count_up_to_the_largest_label():
    assert Labelled(np.zeros((3, 3, 4, 4), np.uint8), np.array([4, -1, 0])).classes == 5


def test_a_memory_map_travels_as_its_files_name(stored):
    travelled = pickle.dumps(stored)
    assert len(travelled) < 1000 < stored.images.nbytes
    copy = pickle.loads(travelled)
    assert isinstance(copy.images, np.memmap)
    assert copy.images.filename == str(stored.images.filename)
    np.testing.assert_array_equal(copy.images, stored.images)
    np.testing.assert_array_equal(copy.labels, stored.labels)


@pytest.mark.parametrize(
    "part",
    [
        lambda images: images[4:],
        lambda images: images[::-1],
        lambda images: images[[3, 1]],
        lambda images: images.transpose(0, 1, 3, 2),
        np.array,
    ],
    ids=["slice", "reversed", "chosen rows", "transposed", "array"],
)
def test_what_is_not_the_whole_file_travels_whole(stored, part):
    images = part(stored.images)
    copy = pickle.loads(pickle.dumps(Labelled(images, np.arange(len(images)))))
    np.testing.assert_array_equal(copy.images, images)
    assert copy.labels.tolist() == list(range(len(images)))


def test_few_per_class_fills_the_first_part_first():
    table = labelled(["a"] * 10 + ["b"] * 5 + ["c"] * 2)
    train, test = few_per_class(table, (3, 4), "stream", 0)
    assert per_class(train) == {"a": 3, "b": 3, "c": 2}
    assert per_class(test) == {"a": 4, "b": 2}
    assert ids(train).isdisjoint(ids(test))
    assert train.equals(few_per_class(table, (3, 4), "stream", 0)[0])
    assert not train.equals(few_per_class(table, (3, 4), "stream", 1)[0])


def test_few_per_class_draws_every_row_equally_often():
    table = labelled(["a"] * 6)
    drawn = [row for seed in range(600) for row in few_per_class(table, (2,), "stream", seed)[0]["id"].to_pylist()]
    counts = np.unique(drawn, return_counts=True)[1]
    assert counts.min() > 150  # 200 expected, standard deviation 12


def test_only_names_a_class_without_rows():
    table = labelled(["a", "b", "c"])
    assert set(only(table, ("a", "c"))["label"].to_pylist()) == {"a", "c"}
    with pytest.raises(InputError, match=r"classes \['z'\] have no image among the 3 rows"):
        only(table, ("a", "z"))
