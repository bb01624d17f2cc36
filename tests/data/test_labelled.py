"""Labelled images in memory, on their way to other processes, and small parts of labelled tables."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import to_tensor

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


def test_images_are_square():
    with pytest.raises(InputError, match=r"shape \(2, 3, 4, 5\); wanted squares"):
        Labelled(np.zeros((2, 3, 4, 5), np.uint8), np.zeros(2, np.int64))


@pytest.fixture
def pixels() -> np.ndarray:
    """All 256 levels, uint8[6, 3, 8, 8]."""
    return np.arange(6 * 3 * 8 * 8).reshape(6, 3, 8, 8).astype(np.uint8)


LABELS = [0, 1, 2, 0, 1, 2]


def pictures(pixels: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(image.transpose(1, 2, 0)) for image in pixels]


@pytest.mark.parametrize(
    "form",
    [
        lambda pixels: Labelled(pixels, np.array(LABELS)),
        lambda pixels: (pixels, LABELS),
        lambda pixels: [torch.tensor(pixels), torch.tensor(LABELS, dtype=torch.int32)],
        lambda pixels: (pixels / 255, np.array(LABELS)),
        lambda pixels: (np.flip(np.flip(pixels, 3).copy(), 3), LABELS),
        lambda pixels: TensorDataset(torch.tensor(pixels).float() / 255, torch.tensor(LABELS)),
        lambda pixels: Subset(list(zip(np.tile(pixels, (2, 1, 1, 1)), LABELS * 2, strict=True)), range(6, 12)),
        lambda pixels: list(zip(pictures(pixels), LABELS, strict=True)),
        lambda pixels: tuple([to_tensor(image), label] for image, label in zip(pictures(pixels), LABELS, strict=True)),
        lambda pixels: DataLoader(TensorDataset(torch.tensor(pixels), torch.tensor(LABELS)), 4, shuffle=True),
    ],
    ids=["labelled", "arrays", "tensors", "floats", "flipped", "TensorDataset", "Subset", "PIL", "ToTensor", "loader"],
)
def test_every_usual_form_of_a_dataset_is_read(pixels, form):
    read = Labelled.of(form(pixels))
    assert (read.images.dtype, read.labels.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(read.images, pixels)
    assert read.labels.tolist() == LABELS


def test_labelled_images_stay_as_they_are(stored):
    assert Labelled.of(stored) is stored


def test_two_samples_are_no_pair_of_columns(pixels):
    assert Labelled.of([(pixels[0], 1), (pixels[1], 0)]).labels.tolist() == [1, 0]


def test_an_image_folder_is_read(pixels, tmp_path):
    for number, image in enumerate(pictures(pixels)):
        place = tmp_path / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        image.save(place)
    read = Labelled.of(ImageFolder(tmp_path))
    np.testing.assert_array_equal(read.images, pixels[[0, 2, 4, 1, 3, 5]])
    assert read.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_grey_is_repeated_and_palettes_are_looked_up(pixels):
    grey = pixels[:, :1]
    np.testing.assert_array_equal(Labelled.of((grey, LABELS)).images, np.repeat(grey, 3, axis=1))
    drawn = Image.fromarray(grey[0, 0])
    read = Labelled.of([(drawn, 0), (drawn.convert("P"), 1), (drawn.convert("RGBA"), 1)])
    np.testing.assert_array_equal(read.images, np.repeat(np.repeat(grey[:1], 3, axis=1), 3, axis=0))


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        yield SQUARE, 0

    def __len__(self) -> int:
        return 1


SQUARE = np.zeros((3, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (iter([(SQUARE, 0)]), r"the dataset is a \w+; wanted .*list\(\.\.\.\) makes one"),
        (Stream(), "the dataset is a Stream"),
        (DataLoader(Stream()), "the dataset is a Stream"),
        ({"images": SQUARE[None], "labels": [0]}, "the dataset is a dict"),
        (None, "the dataset is a NoneType"),
        ("folder", r"sample 0 of the dataset is a str; wanted \(image, label\)"),
        (SQUARE[None], "sample 0 of the dataset is a ndarray"),
        ([], "there are no images"),
        ((SQUARE[None], [0, 1]), "1 images but 2 labels"),
        ((SQUARE[None, :, 1:], [0]), "wanted squares"),
        ([(SQUARE, 0), (SQUARE[:, 1:, 1:], 1)], r"image 1 is \(7, 7\) .* image 0 is \(8, 8\): resize"),
        ([(SQUARE, 0), (SQUARE - 0.5, 1)], "image 1 has floats from -0.5 to -0.5; .* leave normalisation"),
        ([(SQUARE + np.nan, 0)], "image 0 has floats from nan to nan"),
        ([(SQUARE.astype(np.int64), 0)], r"image 0 is int64 \(3, 8, 8\): wanted uint8"),
        ([(SQUARE.transpose(1, 2, 0), 0)], r"image 0 is uint8 \(8, 8, 3\): wanted .*\[3, S, S\]"),
        ([(Image.new("I;16", (8, 8)), 0)], r"image 0 is uint16 \(8, 8\): wanted .* 8 bits a channel"),
        ([("a.png", 0)], "image 0 is <U5"),
        ([(SQUARE, "cat")], "the label of image 0 is 'cat'; wanted a whole number: number the classes"),
        ((SQUARE[None], np.array([1.5])), r"the label of image 0 is np.float64\(1.5\)"),
    ],
)
def test_what_is_no_dataset_of_labelled_images_is_refused(dataset, message):
    with pytest.raises(InputError, match=message):
        Labelled.of(dataset)


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
