import dataclasses

import numpy as np
import pytest
from PIL import Image

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data import loaders
from ndslib.data.images import decode
from ndslib.hydranet.tasks import GROUPS_PER_CLASS, SIZES, Split, load_task

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder."""
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    return tmp_path


def pictures(folder, colours, size=(40, 36)):
    """One picture of one colour each."""
    folder.mkdir(parents=True)
    for number, colour in enumerate(colours):
        Image.new("RGB", size, (colour, 0, 255 - colour)).save(folder / f"{number}.png")


def cifar10_folders(root):
    """Eight pictures of each class and split, whose red is 0 to 7 for cats and 100 to 107 for frogs."""
    for split in ("train", "test"):
        for name, first in (("cat", 0), ("frog", 100)):
            pictures(root / "cifar10" / split / name, range(first, first + 8), (32, 32))


def binary(path, labels, seed=0):
    """CIFAR's records: the label bytes, then 3,072 bytes of an image; returns the images uint8 [N, 3, 32, 32]."""
    planes = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.hstack([np.array(labels, np.uint8).reshape(len(labels), -1), planes]).tobytes())
    return planes.reshape(-1, 3, 32, 32)


def same(one, other):
    return all(
        np.array_equal(getattr(getattr(one, split), part), getattr(getattr(other, split), part))
        for split in ("train", "test")
        for part in ("images", "labels")
    )


def test_digits_are_all_of_scikit_learns():
    task = load_task("digits")
    assert task.classes == tuple("0123456789")
    assert (task.name, task.groups, task.size) == ("digits", None, 16)
    assert task.train.images.shape == (1437, 3, 16, 16)
    assert task.test.images.shape == (360, 3, 16, 16)
    assert task.train.images.dtype == np.uint8
    assert task.train.labels.dtype == task.test.labels.dtype == np.int64
    table = loaders.sklearn_digits(paths.cache_root() / "digits", split="test")
    assert task.test.labels.tolist() == [int(label) for label in table["label"].to_pylist()]
    np.testing.assert_array_equal(task.test.images, decode(table, 16).pixels)


def test_subsets_are_balanced_seeded_and_nested():
    def few(count, seed=0):
        return load_task("digits", 8, seed, train_per_class=count, test_per_class=3)

    def rows(task):
        return {image.tobytes() for image in task.train.images}

    task = few(5)
    assert np.bincount(task.train.labels).tolist() == [5] * 10
    assert np.bincount(task.test.labels).tolist() == [3] * 10
    assert task.size == 8
    assert same(task, few(5))
    assert rows(few(5, seed=1)) != rows(task)
    assert rows(task) < rows(few(7))


def test_a_subset_of_one_part_leaves_the_other_as_it_is():
    every, few = load_task("digits"), load_task("digits", train_per_class=4)
    np.testing.assert_array_equal(few.test.images, every.test.images)
    assert len(few.train.labels) == 40


def test_groups_know_the_group_of_each_class():
    task = load_task("groups", 16, train_per_class=3, test_per_class=2, groups=3, per_group=2, workers=1)
    assert len(set(task.classes)) == 6
    assert [name.rpartition("-")[0] for name in task.classes] == list(task.groups)
    assert {task.groups.count(group) for group in set(task.groups)} == {2}
    assert task.train.images.shape == (18, 3, 16, 16)
    assert np.bincount(task.train.labels).tolist() == [3] * 6
    assert np.bincount(task.test.labels).tolist() == [2] * 6


def test_groups_differ_by_seed_and_fineness():
    def drawn(**changes):
        asked = {"size": 8, "train_per_class": 2, "test_per_class": 1, "groups": 2, "per_group": 2, "workers": 1}
        return load_task("groups", **asked | changes)

    task = drawn()
    assert same(task, drawn())
    assert drawn(seed=1).classes != task.classes
    finer = drawn(fineness=1.0)
    assert finer.classes == task.classes
    assert not same(finer, task)


def test_groups_have_a_number_of_images_where_none_is_asked_for():
    task = load_task("groups", 8, groups=1, per_group=1, workers=1)
    assert (len(task.train.labels), len(task.test.labels)) == GROUPS_PER_CLASS
    assert SIZES["groups"] == 32


def test_cifar10_reads_class_folders(data):
    cifar10_folders(data)
    task = load_task("cifar10")
    assert task.classes == ("cat", "frog")
    assert task.size == 32
    for split in (task.train, task.test):
        reds = split.images[:, 0, 0, 0]
        np.testing.assert_array_equal(reds >= 100, split.labels == 1)
        assert sorted(reds) == [*range(8), *range(100, 108)]


def test_labels_stay_with_their_images_in_a_subset(data):
    cifar10_folders(data)
    task = load_task("cifar10", seed=3, train_per_class=5, test_per_class=2)
    assert np.bincount(task.train.labels).tolist() == [5, 5]
    for split in (task.train, task.test):
        np.testing.assert_array_equal(split.images[:, 0, 0, 0] >= 100, split.labels == 1)
        assert len(np.unique(split.images[:, 0, 0, 0])) == len(split.labels)


def test_cifar10_reads_the_providers_files(data):
    folder = data / "cifar10" / "cifar-10-batches-bin"
    for number in range(1, 6):
        binary(folder / f"data_batch_{number}.bin", [number - 1, number + 4])
    written = binary(folder / "test_batch.bin", range(9, -1, -1), seed=1)
    (folder / "batches.meta.txt").write_text("\n".join(CIFAR10))
    task = load_task("cifar10")
    assert task.classes == tuple(CIFAR10)
    assert task.train.labels.tolist() == [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]
    assert task.test.labels.tolist() == list(range(9, -1, -1))
    np.testing.assert_array_equal(task.test.images, written)


def test_cifar100_has_the_fine_classes(data):
    folder = data / "cifar100" / "cifar-100-binary"
    records = [[number // 5, number] for number in range(100)]
    binary(folder / "train.bin", records)
    binary(folder / "test.bin", records[::-1], seed=1)
    (folder / "fine_label_names.txt").write_text("\n".join(f"fine{number:02}" for number in range(100)))
    (folder / "coarse_label_names.txt").write_text("\n".join(f"coarse{number}" for number in range(20)))
    task = load_task("cifar100")
    assert len(task.classes) == 100
    assert task.classes[7] == "fine07"
    assert task.test.labels.tolist() == list(range(99, -1, -1))


def test_imagenet_is_tested_on_its_validation_images_and_stays_on_disk(data):
    for split, colours in (("train", (10, 20, 30)), ("val", (40, 50))):
        for wnid in ("n02124075", "n01440764"):
            pictures(data / "imagenet" / split / wnid, colours)
    task = load_task("imagenet", train_per_class=2)
    assert task.classes == ("n01440764", "n02124075")
    assert task.train.images.shape == (4, 3, 224, 224)
    assert sorted(task.test.images[:, 0, 0, 0]) == [40, 40, 50, 50]
    for split in (task.train, task.test):
        assert isinstance(split.images, np.memmap)
        assert not split.images.flags.writeable


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "imagenet"])
def test_absent_data_is_named_with_the_remedy(data, name):
    with pytest.raises(InputError, match=rf"{name}.*: no such folder; fetch the dataset"):
        load_task(name)


def test_cifar10_without_its_test_folder_is_refused(data):
    pictures(data / "cifar10" / "train" / "cat", (1, 2))
    with pytest.raises(InputError, match=r"cifar10/test: no such folder"):
        load_task("cifar10")


def test_damaged_images_are_named(data):
    cifar10_folders(data)
    path = data / "cifar10" / "train" / "cat" / "3.png"
    path.write_bytes(path.read_bytes()[:50])  # the header is whole, the pixels are gone
    with pytest.raises(InputError, match=r"train/cat/3\.png"):
        load_task("cifar10")


def test_a_class_with_too_few_images_is_named(data):
    cifar10_folders(data)
    (data / "cifar10" / "test" / "frog" / "0.png").unlink()
    assert len(load_task("cifar10", train_per_class=8, test_per_class=7).test.labels) == 14
    with pytest.raises(InputError, match=r"cifar10, split 'test': the class 'frog' has 7 images, 8 are asked for"):
        load_task("cifar10", test_per_class=8)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_in_one_part_alone_is_refused(data, split):
    cifar10_folders(data)
    pictures(data / "cifar10" / split / "ship", (1,))
    other = {"train": "test", "test": "train"}[split]
    with pytest.raises(InputError, match=rf"split '{other}': the class 'ship' has 0 images, at least 1 are asked for"):
        load_task("cifar10")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("cifar", {}, "task is 'cifar'; choose one of digits, groups, cifar10"),
        ("digits", {"size": 7}, "size is 7; it must be at least 8"),
        ("groups", {"size": 0}, "size is 0; it must be at least 8"),
        ("digits", {"train_per_class": 0}, "train_per_class is 0; it must be at least 1"),
        ("groups", {"test_per_class": -1}, "test_per_class is -1; it must be at least 1"),
        ("digits", {"workers": 0}, "workers is 0; it must be at least 1"),
        ("digits", {"train_per_class": 500}, "digits, split 'train': the class '8' has 1.. images, 500 are asked for"),
        ("groups", {"groups": 0}, "0 groups of 4 classes"),
        ("groups", {"fineness": 1.5}, "fineness 1.5"),
    ],
)
def test_bad_arguments_are_refused(name, arguments, message):
    with pytest.raises(InputError, match=message):
        load_task(name, **arguments)


def test_a_split_has_images_and_a_label_for_each():
    images = np.zeros((2, 3, 8, 8), np.uint8)
    with pytest.raises(InputError, match="2 images and 1 labels"):
        Split(images, np.zeros(1, np.int64))
    with pytest.raises(InputError, match="0 images and 0 labels: give at least one image"):
        Split(images[:0], np.zeros(0, np.int64))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Split(images, np.zeros(2, np.int64)).images = images


def test_the_shared_cifar10_is_balanced(shared_data):
    task = load_task("cifar10", train_per_class=4, test_per_class=2)
    assert task.classes == tuple(CIFAR10)
    assert np.bincount(task.train.labels).tolist() == [4] * 10
    assert task.test.images.shape == (20, 3, 32, 32)
