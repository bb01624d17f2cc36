"""Subsets that keep the class distribution: sizes, disjointness, and how much closer than random draws they are."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.subsets import keep_distribution, object_counts
from ndslib.data.worlds import scenes

CLASSES = [f"c{number:02}" for number in range(13)]  # as many as ModaNet has


def table_of(images: Sequence[Sequence[str]], crowds: Sequence[str] = ()) -> pa.Table:
    """A row for each list of objects."""
    return sample_table.from_rows(
        {
            "id": f"demo/{number:05}",
            "dataset": "demo",
            "uri": f"/demo/{number}.jpg",
            "split": "train",
            "annotation": [{"category": name, "bbox": [1, 1, 5, 5], "iscrowd": int(name in crowds)} for name in names],
            "width": 20,
            "height": 20,
            "bytes": 9,
        }
        for number, names in enumerate(images)
    )


def skewed(images: int, seed: int = 0) -> pa.Table:
    """The first class in nine images of ten, the last in one of seventy; each with one object or, rarely, many."""
    random = np.random.default_rng(seed)
    shares = 0.9 / (1 + np.arange(len(CLASSES))) ** 1.6
    numbers = (random.random((images, len(CLASSES))) < shares) * random.geometric(0.5, (images, len(CLASSES)))
    return table_of([np.repeat(CLASSES, row).tolist() for row in numbers])


def shares(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Of each class the share of all objects, and the share of the images that have one."""
    names, numbers = object_counts(table)
    whole = np.zeros((table.num_rows, len(CLASSES)))
    whole[:, np.searchsorted(CLASSES, names)] = numbers
    return whole.sum(0) / whole.sum(), (whole > 0).mean(0)


def distances(subset: pa.Table, whole: tuple[np.ndarray, np.ndarray]) -> list[float]:
    """Total variation of the distribution of objects; largest difference of a class's share of the images."""
    objects, images = shares(subset)
    return [np.abs(objects - whole[0]).sum() / 2, np.abs(images - whole[1]).max()]


def ids(table: pa.Table) -> list[str]:
    return table["id"].to_pylist()


def test_sizes_disjointness_order_and_the_seed() -> None:
    table = skewed(300)
    train, val = keep_distribution(table, (40, 60))
    assert (train.num_rows, val.num_rows) == (40, 60)
    assert not set(ids(train)) & set(ids(val))
    assert ids(train) == sorted(ids(train))
    assert set(ids(train)) <= set(ids(table))
    assert [ids(part) for part in keep_distribution(table, (40, 60))] == [ids(train), ids(val)]
    assert ids(keep_distribution(table, (40, 60), seed=1)[0]) != ids(train)


def test_the_distribution_is_kept_and_much_better_than_by_chance() -> None:
    table = skewed(2000)
    whole, random = shares(table), np.random.default_rng(1)
    chance = np.array([distances(table.take(random.permutation(2000)[:200]), whole) for _ in range(10)])
    for part in keep_distribution(table, (200, 200)):
        objects, images = distances(part, whole)
        assert objects < 0.02
        assert images < 1.5 / 200  # within an image or so of each class
        assert objects < chance[:, 0].min() / 2
        assert images < chance[:, 1].min() / 2


def test_rare_classes_are_in_every_subset() -> None:
    often, rare = [["a"]] * 500, [["a", "b"]] * 2
    for seed in range(5):
        for part in keep_distribution(table_of([*often, *rare]), (5, 5), seed):
            assert object_counts(part)[0] == ["a", "b"]
    names = [object_counts(part)[0] for part in keep_distribution(table_of([*often, ["a", "b"]]), (5, 5))]
    assert ["a"] in names  # one image of a class cannot be in two


def test_images_without_objects_keep_their_share() -> None:
    table = table_of([["a"]] * 60 + [[]] * 40)
    for part in keep_distribution(table, (10, 20)):
        assert object_counts(part)[1].sum() == 0.6 * part.num_rows


def test_all_images_may_be_asked_for() -> None:
    table = skewed(50)
    parts = keep_distribution(table, (20, 30))
    assert sorted(ids(parts[0]) + ids(parts[1])) == ids(table)
    assert keep_distribution(table, (50,))[0].equals(table)
    assert keep_distribution(table_of([[]] * 4), (3,))[0].num_rows == 3


def test_crowds_are_not_counted() -> None:
    names, numbers = object_counts(table_of([["a", "b", "a"], ["b"], []], crowds=["b"]))
    assert names == ["a"]
    assert numbers.tolist() == [[2], [0], [0]]


def test_subsets_of_scenes() -> None:
    table = scenes.sample_table("street", ("car", "person"), 8, "train", size=32)
    parts = keep_distribution(table, (3, 3))
    assert [part.num_rows for part in parts] == [3, 3]
    assert all(object_counts(part)[0] == ["car", "person"] for part in parts)


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        ((3, 2), r"3 \+ 2 images are asked for, but the table has 4"),
        ((), r"counts \[\]"),
        ((2, 0), r"counts \[2, 0\]: give the images of each subset, at least 1"),
    ],
)
def test_bad_counts_are_refused(counts, complaint) -> None:
    with pytest.raises(InputError, match=complaint):
        keep_distribution(table_of([["a"]] * 4), counts)


def test_a_row_without_annotation_is_named() -> None:
    table = table_of([["a"]])
    unlabelled = table.set_column(5, "annotation", pa.array([None], pa.string()))
    with pytest.raises(InputError, match="demo/00000: it has no annotation"):
        keep_distribution(unlabelled, (1,))
