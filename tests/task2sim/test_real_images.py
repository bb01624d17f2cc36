"""The real-image set that pretraining is compared with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.training import TrainConfig
from ndslib.data import loaders
from ndslib.data.labelled import few_per_class
from ndslib.data.worlds import domains
from ndslib.task2sim import real_images as module
from ndslib.task2sim.pretraining import GivenImages, Pretraining
from ndslib.task2sim.real_images import real_images
from ndslib.task2sim.tasks import CLASSES, GROUPS

WANTED = Pretraining(2, 4, 16, TrainConfig(2, 4, 0.05), width=2)
DOGS = ["n0", "n1", "n2", "n3", "n4"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with PACS' photos (three classes of five) and ImageNet (five classes of six)."""
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    folders = {f"pacs/photo/{name}": 5 for name in ("dog", "horse", "house")}
    folders |= {f"imagenet/train/{name}": 6 for name in DOGS}
    for shade, (folder, count) in enumerate(folders.items()):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (20, 20), (30 * shade, 40 * number, 0)).save(tmp_path / folder / f"{number}.png")
    return tmp_path


def test_every_group_of_tasks_has_its_own():
    assert module.TABLES.keys() == GROUPS.keys()


def test_worlds_draw_photographs_of_classes_that_are_in_no_task(monkeypatch):
    asked = []
    real = domains.sample_table

    def spy(domain: str, classes: tuple[str, ...], count: int, *rest: object) -> object:
        asked.append((domain, classes, count))
        return real(domain, classes, 1, *rest)

    monkeypatch.setattr(domains, "sample_table", spy)
    rest = domains.class_names("photos")[CLASSES:]
    given = real_images("worlds", replace(WANTED, classes=3, images_per_class=2), workers=1)
    assert (given.data.images.dtype, given.data.images.shape) == (np.uint8, (6, 3, 16, 16)), "of the eight drawn"
    assert given.data.labels.tolist() == list(range(6))
    real_images("worlds", replace(WANTED, classes=5, images_per_class=4), workers=1)
    assert asked == [("photos", rest, -(-count // len(rest))) for count in (6, 20)]


def counts(given: GivenImages) -> list[int]:
    """Images of each class, fewest first."""
    return sorted(np.bincount(given.data.labels).tolist())


def test_real_takes_exactly_as_many_of_pacs_photos_over_its_classes(data):
    given = real_images("real", WANTED)
    assert given.data.images.shape == (8, 3, 16, 16)
    assert counts(given) == [2, 3, 3]
    assert given.data.labels.dtype == np.int64
    assert counts(real_images("real", replace(WANTED, classes=3))) == [4, 4, 4]
    assert counts(real_images("real", replace(WANTED, images_per_class=100))) == [5, 5, 5], "all there are"


def test_large_classes_give_more_where_small_ones_run_out(data):
    for number in (2, 3, 4):
        (data / f"pacs/photo/dog/{number}.png").unlink()
    for wanted, expected in ((6, [2, 2, 2]), (10, [2, 4, 4]), (11, [2, 4, 5]), (12, [2, 5, 5]), (14, [2, 5, 5])):
        assert counts(real_images("real", replace(WANTED, classes=wanted, images_per_class=1))) == expected


def test_the_images_of_a_balanced_set_are_those_drawn_of_each_class(data):
    """Networks pretrained on such sets are kept under their names."""
    table = loaders.image_folder(data / "pacs/photo", "pacs_photo", "train")
    drawn = few_per_class(table, (4,), "task2sim", "real", 0)[0]
    assert real_images("real", replace(WANTED, classes=3)).key == digest(drawn["id"].to_pylist(), 16, 0)


@pytest.mark.parametrize(("classes", "chosen"), [(2, [0, 2]), (3, [0, 1, 3]), (5, [0, 1, 2, 3, 4])])
def test_paper_takes_as_many_classes_of_imagenet(data, classes, chosen):
    given = real_images("paper", replace(WANTED, classes=classes))
    assert np.bincount(given.data.labels).tolist() == [4] * classes
    shades = given.data.images[:, 0].mean(axis=(1, 2)).round() / 30 - 3
    assert sorted(set(shades)) == pytest.approx(chosen)


def test_keys_and_the_draw_follow_the_seed_and_the_size(data):
    variants = [WANTED, replace(WANTED, seed=1), replace(WANTED, size=8), replace(WANTED, images_per_class=2)]
    sets = [real_images("paper", each) for each in (WANTED, *variants)]
    keys = [each.key for each in sets]
    assert keys[0] == keys[1]
    assert len(set(keys)) == len({each.backbone_key for each in sets}) == 4
    assert sets[0].data.images.tobytes() != sets[2].data.images.tobytes()
    assert sets[0].pretraining == WANTED


@pytest.mark.parametrize("group", ["real", "paper"])
def test_absent_data_are_named(tmp_path, monkeypatch, group):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere/\w+(/\w+)?.*(absent|no such folder)"):
        real_images(group, WANTED)
