"""The seven domains: the same pictures everywhere, parts that share no mesh, tables that list what was drawn."""

import hashlib
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data.worlds import aerials, photos, staging, streetside
from ndslib.data.worlds.domains import DOMAINS, class_names, draw, sample_table
from ndslib.sim import catalogue

PRINT_DIGESTS = """
import hashlib
from ndslib.data.worlds.domains import DOMAINS, class_names, draw
for domain in DOMAINS:
    print(hashlib.sha256(draw(domain, class_names(domain)[3], 5, "test", 16).tobytes()).hexdigest())
"""


def test_there_are_seven_domains_of_sixteen_classes() -> None:
    assert len(DOMAINS) == 7
    for domain in DOMAINS:
        assert len(set(class_names(domain))) == 16
    assert class_names("photos") == class_names("sketches") == class_names("cartoons")


def test_every_object_is_in_the_catalogue() -> None:
    named = {*photos.CLASSES, *streetside.CLASSES, *streetside.BEHIND}
    named |= {thing for use in aerials.LAND_USES.values() for thing in use.things}
    assert named <= set(catalogue.CLASSES)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_class_draws_a_picture(domain: str) -> None:
    for name in class_names(domain):
        image = draw(domain, name, 0, "val", 16)
        assert image.shape == (16, 16, 3)
        assert image.dtype == np.uint8
        assert np.ptp(image) > 20


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("size", [8, 21])
def test_any_size_of_at_least_eight_pixels_is_drawn(domain: str, size: int) -> None:
    assert draw(domain, class_names(domain)[0], 0, size=size).shape == (size, size, 3)


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_index_shows_the_same_scene_at_another_size(domain: str) -> None:
    def blocks(index: int, size: int) -> np.ndarray:
        image = draw(domain, class_names(domain)[1], index, size=size)
        return image.reshape(8, size // 8, 8, size // 8, 3).mean((1, 3)).ravel()

    for index in range(3):
        assert np.corrcoef(blocks(index, 16), blocks(index, 32))[0, 1] > 0.7


@pytest.mark.parametrize("domain", DOMAINS)
def test_index_class_split_and_seed_each_change_the_picture(domain: str) -> None:
    one, other = class_names(domain)[:2]
    base = draw(domain, one, 3, size=16)
    changed = [
        draw(domain, one, 4, size=16),
        draw(domain, other, 3, size=16),
        draw(domain, one, 3, "val", size=16),
        draw(domain, one, 3, size=16, seed=1),
    ]
    assert all((base != each).any() for each in changed)


def test_domains_show_the_same_classes_differently() -> None:
    images = [draw(domain, "house", 3, size=16) for domain in ("photos", "sketches", "cartoons")]
    assert all((one != other).any() for one, other in combinations(images, 2))


def test_pictures_are_the_same_in_another_process() -> None:
    here = [
        hashlib.sha256(draw(domain, class_names(domain)[3], 5, "test", 16).tobytes()).hexdigest() for domain in DOMAINS
    ]
    command = [sys.executable, "-c", PRINT_DIGESTS]
    there = subprocess.run(command, capture_output=True, text=True, check=True, cwd=paths.repo_root())
    assert there.stdout.split() == here


def test_parts_share_no_mesh() -> None:
    for name in ("car", "mug"):
        shapes = [
            {mesh.vertices.tobytes() for mesh in staging.library(part).meshes(name)}
            for part in ("train", "val", "test")
        ]
        assert all(len(each) > 1 for each in shapes)
        assert all(one.isdisjoint(other) for one, other in combinations(shapes, 2))


def test_the_table_lists_the_rows_of_one_plain_array_file() -> None:
    table = sample_table("glyphs", ["glyph-03", "glyph-01"], 4, "val", size=16, seed=7)
    assert table["label"].to_pylist() == ["glyph-03"] * 4 + ["glyph-01"] * 4
    assert set(table["split"].to_pylist()) == {"val"}
    assert set(table["dataset"].to_pylist()) == {"glyphs"}
    assert set(table["bytes"].to_pylist()) == {16 * 16 * 3}
    files, rows = zip(*(uri.split("#row=") for uri in table["uri"].to_pylist()), strict=True)
    images = np.load(files[0], allow_pickle=False)
    assert len(set(files)) == 1
    assert list(map(int, rows)) == list(range(8))
    assert images.shape == (8, 16, 16, 3)
    for image, name, identity in zip(images, table["label"].to_pylist(), table["id"].to_pylist(), strict=True):
        assert (image == draw("glyphs", name, int(identity.rsplit("/")[-1]), "val", 16, 7)).all()


def array_file(**settings: Any) -> Path:
    arguments = {"domain": "textures", "classes": ["wood"], "images_per_class": 2, "split": "train", "size": 8}
    return Path(sample_table(**(arguments | settings))["uri"][0].as_py().split("#")[0])


def test_a_second_call_reads_the_cache_and_other_settings_do_not() -> None:
    first = array_file()
    written = first.stat().st_mtime_ns
    assert array_file() == first
    assert first.stat().st_mtime_ns == written
    changes = [{"seed": 1}, {"size": 9}, {"split": "val"}, {"classes": ["fur"]}, {"domain": "glyphs"}]
    changes[-1]["classes"] = ["glyph-01"]
    assert len({first, *(array_file(**change) for change in changes)}) == 6


def test_asking_for_more_keeps_the_first_ones() -> None:
    few, more = (np.load(array_file(images_per_class=count)) for count in (2, 3))
    assert (more[:2] == few).all()


def test_splits_share_no_picture() -> None:
    tables = [sample_table("sketches", ["house"], 3, split, size=16) for split in ("train", "val", "test")]
    identities = [identity for table in tables for identity in table["id"].to_pylist()]
    images = np.concatenate([np.load(table["uri"][0].as_py().split("#")[0]) for table in tables])
    assert len(set(identities)) == len({image.tobytes() for image in images}) == 9


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"domain": "paintings"}, "no procedural domain 'paintings': choose from photos"),
        ({"classes": ["marble", "zeppelin"]}, "textures has no class 'zeppelin'"),
        ({"classes": []}, "at least one class"),
        ({"classes": ["wood", "wood"]}, "only once"),
        ({"images_per_class": 0}, "at least 1"),
        ({"split": "dev"}, "split 'dev'"),
        ({"size": 7}, "size 7"),
    ],
)
def test_bad_requests_name_the_value(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        array_file(**change)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("paintings", "house", 0), "paintings"),
        (("photos", "zebra", 0), "zebra"),
        (("photos", "house", -1), "index -1"),
        (("photos", "house", 0, "dev"), "dev"),
        (("photos", "house", 0, "train", 7), "size 7"),
    ],
)
def test_draw_refuses_what_is_not_there(arguments: tuple, named: str) -> None:
    with pytest.raises(InputError, match=named):
        draw(*arguments)
