"""The long tail: shares as asked for, labels that match them, and background that shows other things."""

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.data.worlds import long_tail
from ndslib.sim.catalogue import CLASSES


@pytest.mark.parametrize(
    ("classes", "background", "rarest"),
    [(1, 0.5, 0.1), (2, 0.9, 0.001), (20, 0.9, 0.001), (5, 0.0, 0.01), (4, 0.9, 0.025)],
)
def test_shares_fall_to_the_rarest_and_leave_the_background(classes: int, background: float, rarest: float) -> None:
    shares = long_tail.shares(classes, background, rarest)
    assert shares.shape == (classes,)
    assert shares.sum() == pytest.approx(1 - background)
    assert shares.min() == pytest.approx(shares[-1])
    if classes > 1:
        assert shares[-1] == pytest.approx(rarest)
        assert np.ptp(np.diff(np.log(shares))) == pytest.approx(0, abs=1e-6)  # evenly on a logarithmic scale


def test_a_rare_category_of_a_thousandth_has_five_of_5000_images() -> None:
    counts = long_tail.counts(5000, 20)
    assert counts[-1] == 5
    assert counts.sum() == 500
    assert (np.diff(counts) <= 0).all()


@pytest.mark.parametrize("images", [1000, 1234, 9999])
def test_rounding_neither_adds_nor_loses_an_image(images: int) -> None:
    counts = long_tail.counts(images, 12, background=0.0)
    assert counts.sum() == images
    assert counts.min() >= 1
    assert np.abs(counts - long_tail.shares(12, 0.0) * images).max() < 1


def test_half_of_the_kinds_serve_as_categories_and_then_varieties_of_them() -> None:
    half = len(CLASSES) // 2
    names = long_tail.class_names(half + 3)
    kinds = [name.rpartition("-")[0] for name in names]
    assert len(set(names)) == half + 3
    assert len(set(kinds)) == half
    assert [name.rpartition("-")[2] for name in names] == ["1"] * half + ["2"] * 3
    assert long_tail.class_names(5) == names[:5]
    assert long_tail.class_names(5, seed=1) != names[:5]


def table_of(**settings: Any):
    return long_tail.sample_table(
        **({"classes": 2, "images": 24, "split": "train", "background": 0.6, "rarest": 0.1, "size": 8} | settings)
    )


def test_the_table_has_as_many_rows_of_each_label_as_were_counted() -> None:
    table = table_of()
    labels = Counter(table["label"].to_pylist())
    common, rare = long_tail.class_names(2)
    assert [labels[common], labels[rare]] == long_tail.counts(24, 2, 0.6, 0.1).tolist() == [7, 3]
    assert labels[long_tail.BACKGROUND] == 14
    assert table["label"].to_pylist() != sorted(table["label"].to_pylist())  # in random order
    assert np.load(table["uri"][0].as_py().split("#")[0]).shape == (24, 8, 8, 3)


def test_a_picture_does_not_depend_on_how_many_are_asked_for() -> None:
    def by_name(images: int) -> dict[str, bytes]:
        table = table_of(images=images)
        pixels = np.load(table["uri"][0].as_py().split("#")[0])
        return dict(zip(table["id"].to_pylist(), (image.tobytes() for image in pixels), strict=True))

    few, more = by_name(12), by_name(16)
    assert set(few) < set(more)
    assert all(more[name] == pixels for name, pixels in few.items())


def test_the_background_shows_no_category() -> None:
    names = long_tail.class_names(3)
    others, near = long_tail._background_kinds(names, 0)
    assert {name.rpartition("-")[0] for name in names}.isdisjoint(others)
    assert set(near).isdisjoint(names)
    library = long_tail._library(names, "train", 0)
    for name, miss in zip(sorted(names), near, strict=True):
        shapes = [{mesh.vertices.tobytes() for mesh in library.meshes(each)} for each in (name, miss)]
        assert shapes[0].isdisjoint(shapes[1])


def test_parts_share_no_mesh() -> None:
    names = long_tail.class_names(1)
    shapes = [
        {mesh.vertices.tobytes() for mesh in long_tail._library(names, part, 0).meshes(names[0])}
        for part in ("train", "val", "test")
    ]
    assert all(one.isdisjoint(other) for one, other in combinations(shapes, 2))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"classes": 0}, "0 categories"),
        ({"rarest": 0.3}, "at least 0.3 each do not fit beside a background of 0.6"),
        ({"rarest": 0.0}, "at least 0.0 each"),
        ({"background": 1.0}, "a background of 1.0"),
        ({"background": -0.1}, "a background of -0.1"),
        ({"rarest": 0.001}, "24 images hold none .* take at least 1000"),
        ({"images": 0}, "0 images"),
        ({"split": "dev"}, "split 'dev'"),
        ({"size": 7}, "size 7"),
    ],
)
def test_bad_requests_name_the_value(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        table_of(**change)
