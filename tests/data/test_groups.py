"""Groups of similar classes: the dial moves the classes apart, and the parts share no mesh."""

from dataclasses import fields
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.data.worlds import groups, photos
from ndslib.sim.catalogue import CLASSES
from ndslib.sim.scene import Scene


def images(**settings: Any) -> np.ndarray:
    table = groups.sample_table(
        **({"groups": 2, "per_group": 2, "images_per_class": 2, "split": "train", "size": 8} | settings)
    )
    return np.load(table["uri"][0].as_py().split("#")[0])


def outlines(names: tuple[str, ...], fineness: float) -> np.ndarray:
    """The mean extent of each class's meshes along the axes, float64 [classes, 3]."""
    meshes = groups.library(names, fineness, "train").meshes
    return np.array([np.mean([np.ptp(mesh.vertices, axis=0) for mesh in meshes(name)], 0) for name in names])


def test_classes_are_numbered_kinds_group_by_group() -> None:
    names = groups.class_names(3, 2)
    kinds = [groups.group_of(name) for name in names]
    assert [name.rpartition("-")[2] for name in names] == ["1", "2"] * 3
    assert kinds[::2] == kinds[1::2]
    assert len(set(kinds)) == 3
    assert set(kinds) <= set(CLASSES)


def test_the_seed_draws_the_kinds_and_more_groups_keep_the_first() -> None:
    assert groups.class_names(3, 2, seed=1) != groups.class_names(3, 2)
    assert groups.class_names(5, 2)[:6] == groups.class_names(3, 2)
    assert len(groups.class_names(len(CLASSES), 1)) == len(CLASSES)


def test_the_table_lists_every_class_in_turn() -> None:
    table = groups.sample_table(2, 2, 3, "val", size=8)
    names = groups.class_names(2, 2)
    assert table["label"].to_pylist() == [name for name in names for _ in range(3)]
    assert set(table["split"].to_pylist()) == {"val"}
    assert np.load(table["uri"][0].as_py().split("#")[0]).shape == (12, 8, 8, 3)


def test_a_picture_does_not_depend_on_the_other_classes_or_on_how_many_are_asked_for() -> None:
    base = images()
    assert (images(images_per_class=3)[:2] == base[:2]).all()
    assert (images(groups=1)[:4] == base[:4]).all()


def test_fineness_split_and_seed_each_change_the_pictures() -> None:
    base = images()
    for change in ({"fineness": 0.9}, {"split": "test"}, {"seed": 3}):
        assert (images(**change) != base).any()


def plain(scene: Scene, name: str) -> np.ndarray | list:
    """A field as numbers: of the objects their places."""
    value = getattr(scene, name)
    return np.array([each.position for each in value]) if name == "objects" else np.array(value)


def test_a_studio_changes_only_the_background() -> None:
    names = groups.class_names(2, 2)
    library = groups.library(names, 0.5, "train")
    anywhere, studio = (photos.photograph(library, names[0], 16, rng(3), place).scene for place in photos.PLACES)
    changed = {each.name for each in fields(Scene) if getattr(anywhere, each.name) is not getattr(studio, each.name)}
    same = {name for name in changed if np.array_equal(plain(anywhere, name), plain(studio, name))}
    assert changed - same == {"background"}
    assert (images(place="studio") != images()).any()


def test_fineness_moves_the_classes_of_a_group_together() -> None:
    names = tuple(f"{kind}-{number}" for kind in ("mug", "chair") for number in range(1, 5))
    apart = [outlines(names, fineness).reshape(2, 4, 3).std(1).mean() for fineness in (0.0, 0.5, 1.0)]
    assert apart[0] > 1.3 * apart[1] > 1.3 * apart[2]


def test_meshes_of_a_class_differ_and_parts_share_none() -> None:
    names = groups.class_names(2, 1)
    for name in names:
        shapes = [
            {mesh.vertices.tobytes() for mesh in groups.library(names, 0.5, part).meshes(name)}
            for part in ("train", "val", "test")
        ]
        assert all(len(each) > 1 for each in shapes)
        assert all(one.isdisjoint(other) for one, other in combinations(shapes, 2))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"fineness": 1.5}, "fineness 1.5"),
        ({"fineness": -0.1}, "fineness -0.1"),
        ({"groups": 0}, "0 groups"),
        ({"groups": 10_000}, "10000 groups"),
        ({"per_group": 0}, "of 0 classes"),
        ({"images_per_class": 0}, "at least 1"),
        ({"split": "dev"}, "'dev'"),
        ({"size": 7}, "size 7"),
        ({"place": "moon"}, "place .moon.: choose from anywhere, studio"),
    ],
)
def test_bad_requests_name_the_value(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        images(**change)
