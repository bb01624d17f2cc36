"""Downstream tasks: the drawn ones, and real ones on trees of a few images in their providers' formats."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.data import loaders, manifests
from ndslib.task2sim import tasks
from ndslib.task2sim.tasks import GROUPS, Task, load_tasks, task_of

SIZE = 16


@pytest.fixture(scope="module")
def _module_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _drawn_once(_module_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for all tests of this module, so that pictures are drawn once."""
    monkeypatch.setenv("NDSLIB_CACHE", str(_module_cache))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def write(data: Path) -> Callable[..., None]:
    """Writes `count` pictures into a folder of the data folder, each of a shade that no other has."""
    written: list[Path] = []

    def pictures(folder: str, count: int, suffix: str = "png") -> None:
        (data / folder).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            written.append(data / folder / f"{len(written):04d}.{suffix}")
            high, low = divmod(len(written), 16)
            Image.new("RGB", (40, 36), (16 * high, 16 * low, 60)).save(written[-1])

    return pictures


def pixels(part: object) -> set[bytes]:
    return {image.tobytes() for image in part.images}


def check(task: Task, per_class: tuple[int, int], size: int = SIZE) -> None:
    """A task's images are of its size, its labels 0 to C-1 with so many images each, and no image is in both parts."""
    assert len(set(task.classes)) == len(task.classes) >= 2
    for part, count in zip((task.train, task.test), per_class, strict=True):
        assert np.bincount(part.labels).tolist() == [count] * len(task.classes)
        assert (part.images.dtype, part.labels.dtype) == (np.uint8, np.int64)
        assert part.images.shape == (count * len(task.classes), 3, size, size)
    assert pixels(task.train).isdisjoint(pixels(task.test))


def test_worlds_are_six_seen_and_three_unseen_tasks():
    loaded = load_tasks("worlds", SIZE, 1, 1, workers=1)
    assert [task.seen for task in loaded] == [True] * 6 + [False] * 3
    assert len({task.name for task in loaded}) == len({task.key for task in loaded}) == 9
    assert "digits" in {task.name for task in loaded}
    for task in loaded:
        check(task, (1, 1))
    assert {task.name for task in loaded if not task.flip} == {"glyphs", "digits"}
    every = [image for task in loaded for image in pixels(task.train)]
    assert len(set(every)) == len(every)


def test_the_seed_moves_the_images_and_nothing_else():
    names = ["glyphs", "digits"]
    for first, again, other in zip(*(load_tasks("worlds", SIZE, 2, 2, s, 1, names) for s in (0, 0, 1)), strict=True):
        assert first.classes == other.classes
        assert sorted(first.train.labels) == sorted(other.train.labels)
        np.testing.assert_array_equal(first.train.labels, again.train.labels)
        np.testing.assert_array_equal(first.train.images, again.train.images)
        assert first.key == again.key != other.key
        assert pixels(first.train) != pixels(other.train)


def test_more_images_keep_the_first_ones_and_names_keep_the_groups_order():
    few = load_tasks("worlds", SIZE, 2, 2, workers=1, names=["digits", "glyphs"])
    more = load_tasks("worlds", SIZE, 3, 2, workers=1, names=["glyphs", "digits"])
    assert [task.name for task in few] == [task.name for task in more] == ["glyphs", "digits"]
    for one, other in zip(few, more, strict=True):
        assert pixels(one.train) < pixels(other.train)


def test_zero_takes_the_usual_number_or_the_authors_split(monkeypatch):
    monkeypatch.setattr(tasks, "PER_CLASS", (3, 2))
    glyphs, digits = load_tasks("worlds", SIZE, 0, 0, workers=1, names=["glyphs", "digits"])
    check(glyphs, (3, 2))
    train, test = np.bincount(digits.train.labels), np.bincount(digits.test.labels)
    assert (train + test).sum() == 1797
    assert train.tolist() == [round(0.7 * count) for count in train + test]


def shelf(folder: Path, **classes: int) -> pa.Table:
    """A table of pictures in class folders."""
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (9, 9), 10 * number + len(name)).save(folder / name / f"{number}.png")
    return loaders.image_folder(folder, "shelf", "train")


def test_a_key_names_the_content_alone(tmp_path):
    train, test = shelf(tmp_path / "train", a=2, bb=2), shelf(tmp_path / "test", a=1, bb=1)
    task = task_of("one", train, test, SIZE)
    assert task_of("another", train, test, SIZE, "aerial", True).key == task.key
    others = [
        task_of("one", train, test, 8),
        task_of("one", train.take([0, 2]), test, SIZE),
        task_of("one", train.take([1, 0, 2, 3]), test, SIZE),
        task_of("one", test, train, SIZE),
    ]
    assert len({task.key, *(each.key for each in others)}) == 5


def test_a_task_that_cannot_be_learnt_is_refused(tmp_path):
    train, test = shelf(tmp_path / "train", a=2, bb=2, c=1), shelf(tmp_path / "test", a=1, bb=1)
    with pytest.raises(InputError, match="task 't': class 'c' has images for training or for testing only"):
        task_of("t", train, test, SIZE)
    with pytest.raises(InputError, match=r"task 't' has the classes \['a'\]: give it at least two"):
        task_of("t", train.slice(0, 2), test.slice(0, 1), SIZE)
    unnamed = train.slice(0, 4).set_column(
        train.schema.get_field_index("label"), "label", pa.array(["a", None, "bb", "bb"])
    )
    with pytest.raises(InputError, match="task 't': 1 of 4 images have no label"):
        task_of("t", unnamed, test, SIZE)


def test_bad_arguments():
    with pytest.raises(InputError, match="tasks are 'mars'; choose one of worlds, real, paper"):
        load_tasks("mars", SIZE)
    with pytest.raises(InputError, match=r"group 'worlds' has no tasks \['cats'\]; it has \['photos'"):
        load_tasks("worlds", SIZE, names=["digits", "cats"])
    with pytest.raises(InputError, match="-1 training and 20 test images of a class: give 0"):
        load_tasks("worlds", SIZE, train_per_class=-1)


REAL = ["cifar10", "omniglot", "pacs_cartoon", "pacs_sketch"]


def test_real_adds_four_tasks_to_the_worlds():
    names = [source.name for source in GROUPS["real"]]
    assert len(set(names)) == len(names)
    assert set(REAL) < set(names)
    assert {source.name: source.seen for source in GROUPS["real"] if source.name in REAL} == {
        "cifar10": True,
        "omniglot": True,
        "pacs_cartoon": False,
        "pacs_sketch": False,
    }


@pytest.mark.parametrize("name", REAL)
def test_real_without_data_says_what_to_do(data, name):
    with pytest.raises(InputError, match=rf"{data}/\w+(/\w+)?, which is absent: set NDSLIB_DATA .* or use .*'worlds'"):
        load_tasks("real", SIZE, names=[name])


def test_real_reads_the_local_copies(write):
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            write(f"cifar10/{split}/{name}", 4)
    for letter in ("Greek/character01", "Greek/character02", "Latin/character01"):
        write(f"omniglot/images_background_small1/{letter}", 12)
    for domain in ("cartoon", "sketch"):
        for name in ("giraffe", "guitar", "horse"):
            write(f"pacs/{domain}/{name}", 6, "jpg")
    cifar10, omniglot, *pacs = load_tasks("real", SIZE, 2, 3, names=REAL)
    check(cifar10, (2, 3))
    check(omniglot, (2, 3))
    assert omniglot.classes == ("Greek/character01", "Greek/character02", "Latin/character01")
    for task in pacs:
        check(task, (2, 3))
        assert task.classes == ("giraffe", "guitar", "horse")
    (many,) = load_tasks("real", SIZE, 10, 20, names=["omniglot"])
    check(many, (5, 5))  # of 20 drawings a character


def test_paper_is_the_authors_twenty_tasks():
    """Under the names that they released their numbers under, and the splits that the manifests know."""
    sources = GROUPS["paper"]
    assert [source.seen for source in sources] == [True] * 12 + [False] * 8
    released = {name for manifest in manifests.load_all().values() for name in manifest.t2s_tasks}
    assert {source.name for source in sources} == released


@pytest.mark.parametrize("name", [source.name for source in GROUPS["paper"]])
def test_paper_without_data_names_the_folder(data, name):
    with pytest.raises(InputError, match=rf"{data}/\w+.*(no such|cannot read|absent)"):
        load_tasks("paper", SIZE, names=[name])


def test_paper_keeps_the_providers_splits(data, write):
    for kind in (1, 2):
        write(f"cub200/CUB_200_2011/images/00{kind}.Bird", 3, "jpg")
    place = data / "cub200" / "CUB_200_2011"
    images = sorted(path.relative_to(place / "images").as_posix() for path in place.rglob("*.jpg"))
    lists = {
        "images.txt": images,
        "classes.txt": ["001.Bird", "002.Bird"],
        "image_class_labels.txt": [int(name[:3]) for name in images],
        "train_test_split.txt": [1, 1, 0, 1, 1, 0],
    }
    for file, values in lists.items():
        start = 1
        (place / file).write_text("".join(f"{number} {value}\n" for number, value in enumerate(values, start)))
    for folder in ("training_set/training_set", "validation_set/validation_set"):
        for name in ("cactus", "no_cactus"):
            write(f"cactus_aerial/{folder}/{name}", 3, "jpg")
    place = data / "dtd" / "dtd" / "dtd"
    for name in ("banded", "dotted"):
        write(f"dtd/dtd/dtd/images/{name}", 4, "jpg")
    listed = sorted(path.relative_to(place / "images").as_posix() for path in place.rglob("*.jpg"))
    (place / "labels").mkdir()
    (place / "labels" / "train1.txt").write_text("\n".join([*listed[:3], *listed[4:7]]) + "\n")
    (place / "labels" / "test1.txt").write_text("\n".join([listed[3], listed[7]]) + "\n")
    dtd, cub, cactus = load_tasks("paper", SIZE, 0, 0, names=["DTD", "CUB", "CactusAerial"])
    check(dtd, (3, 1))
    check(cub, (2, 1))
    check(cactus, (3, 3))
    assert cub.classes == ("001.Bird", "002.Bird")
    check(*load_tasks("paper", SIZE, 1, 1, names=["CUB"]), (1, 1))


def test_paper_divides_what_has_no_split(write):
    for name in ("Lantana", "Negative"):
        write(f"deepweeds/{name}", 10, "jpg")
    for name in ("Forest", "River"):
        write(f"eurosat/eurosat/2750/{name}", 10, "jpg")
    for letter in ("Greek/character01", "Greek/character02"):
        write(f"omniglot/images_background/{letter}", 10)
    for name in ("dog", "elephant"):
        write(f"pacs/sketch/{name}", 10)
    names = ["DeepWeeds", "EuroSAT", "Omniglot", "PacsS"]
    whole, other = (load_tasks("paper", SIZE, 0, 0, seed, names=names) for seed in (0, 1))
    assert [task.name for task in whole] == names
    for one, another in zip(whole, other, strict=True):
        check(one, (7, 3))
        assert pixels(one.train) != pixels(another.train)
        assert pixels(one.train) | pixels(one.test) == pixels(another.train) | pixels(another.test)
    for task in load_tasks("paper", SIZE, 8, 5, names=names):
        check(task, (8, 2))


def test_a_class_with_one_image_is_named(write):
    write("deepweeds/Lantana", 3)
    write("deepweeds/Negative", 1)
    with pytest.raises(InputError, match="task 'DeepWeeds': class 'Negative' has images for training or for testing"):
        load_tasks("paper", SIZE, names=["DeepWeeds"])
