"""Images of a sample table with the boxes, labels and masks of their objects: what a detector learns from and is
measured on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ndslib.core.errors import InputError
from ndslib.core.seeding import generator
from ndslib.core.training import ShuffledIndices
from ndslib.data import sample_table
from ndslib.data.images import read_image
from ndslib.data.objects import categories_of, objects_of, rows_of

ANY_CLASS = "DontCare"  # KITTI's regions in which objects of any class are not annotated
Target = dict[str, Tensor]


def union_of_classes(tables: Iterable[pa.Table]) -> list[str]:
    """All classes of several datasets as `<dataset>/<class>`, sorted, so that those of different datasets stay apart:
    the classes of one head for pretraining (681 for COCO and Open Images, NDS section 4.1).

    Raises:
        InputError: as `objects.class_names`.
    """
    rows = (row for table in tables for row in rows_of(table, "id", "dataset", "annotation"))
    return sorted({f"{row['dataset']}/{name}" for row in rows for name in categories_of(row)})


class DetectionImages:
    """The images and targets of a sample table, read when they are asked for.

    `[i]` is the image uint8 [3, H, W], RGB, at its own size, and its target:

    - `boxes` float32 [N, 4]: x0, y0, x1, y1 in pixels, x1 and y1 one past the last pixel;
    - `labels` int64 [N]: places in `classes`, from 1 (0 is the detector's background);
    - `masks` uint8 [N, H, W] of 0 and 1, if asked for;
    - `iscrowd` int64 [N]: 1 for regions that evaluation ignores and training leaves out (`training_batches`).

    Objects of other classes are left out. Tensors may be shared between calls: do not write into them.
    """

    def __init__(self, table: pa.Table, classes: Sequence[str], masks: bool = False, memory: int = 512 << 20) -> None:
        """
        Args:
            table: rows with objects in their annotation, whose images are on disk.
            classes: names as in the annotations, or `<dataset>/<name>` for those of one dataset; an object counts
                under the latter name if the list has both.
            masks: whether targets have masks.
            memory: bytes of decoded images and targets to keep. Once they are full, the others are read each time: as
                training goes round and round, dropping old ones for new would find none again.

        Raises:
            InputError: no rows or classes, a class named twice, no object of any class, a row without annotation, or
                with boxes alone when masks are wanted.
        """
        if not classes or len(set(classes)) < len(classes):
            raise InputError(f"classes {list(classes)}: name at least one class, and each only once")
        self.classes, self.masks, self.memory = tuple(classes), masks, memory
        self._numbers = {name: number for number, name in enumerate(classes, 1)}
        self._rows = table.select(["id", "dataset", "uri", "annotation", "width", "height"]).combine_chunks()
        self._kept: dict[int, tuple[Tensor, Target]] = {}
        self._used = 0
        self._check(sample_table.label_kinds(table).to_pylist())

    def _check(self, kinds: Sequence[str]) -> None:
        if self.masks and "boxes" in kinds:
            name = self._rows["id"][kinds.index("boxes")]
            raise InputError(f"{name}: it has boxes and no masks; choose rows with masks, or masks=False")
        rows = rows_of(self._rows, "id", "dataset", "annotation")
        if not any(self._labels(row["dataset"], name) for row in rows for name in categories_of(row)):
            more = ", ..." if len(self.classes) > 5 else ""
            raise InputError(
                f"none of the {len(self)} images has an object of {', '.join(self.classes[:5])}{more}: give images "
                "that have, and the classes as `class_names` or `union_of_classes` calls them"
            )

    def __len__(self) -> int:
        return self._rows.num_rows

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        """
        Raises:
            IndexError: no such row.
            InputError: the image or its annotation cannot be read, or the image is of another size than its row says.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        if index in self._kept:
            return self._kept[index]
        image, target = self._read(self._row(index))
        size = sum(values.nbytes for values in (image, *target.values()))
        if self._used + size <= self.memory:
            self._kept[index] = image, target
            self._used += size
        return image, target

    def _row(self, index: int) -> dict[str, Any]:
        return self._rows.slice(index, 1).to_pylist()[0]

    def _read(self, row: Mapping[str, Any]) -> tuple[Tensor, Target]:
        pixels = np.array(read_image(row["uri"]))
        objects = objects_of(_at_size(row, *pixels.shape[:2]), self.masks)
        labels = [
            (place, label)
            for place, name in enumerate(objects.categories)
            for label in self._labels(row["dataset"], name)
        ]
        objects = objects.take([place for place, _ in labels])
        target = {
            "boxes": torch.from_numpy(objects.boxes),
            "labels": torch.tensor([label for _, label in labels], dtype=torch.int64),
            "iscrowd": torch.from_numpy(objects.crowd.astype(np.int64)),
        }
        if objects.masks is not None:
            target["masks"] = torch.from_numpy(objects.masks.view(np.uint8))
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy()), target

    def _labels(self, dataset: str, name: str) -> Sequence[int]:
        """The labels under which an object of a class counts: one, none, or all."""
        if name == ANY_CLASS:
            return range(1, len(self.classes) + 1)
        number = self._numbers.get(f"{dataset}/{name}", self._numbers.get(name))
        return [] if number is None else [number]


def _at_size(row: Mapping[str, Any], height: int, width: int) -> Mapping[str, Any]:
    """The row with its image's true size. Open Images publishes no sizes: rows listed without a file carry a nominal
    one, and their boxes are fractions; in all others, annotations are in pixels of the row's size."""
    if (row["height"], row["width"]) == (height, width):
        return row
    if '"bbox": [' in row["annotation"] or row["annotation"].startswith("{"):
        raise InputError(
            f"{row['id']}: {row['uri']} has {width} x {height} pixels, but its row and annotation are of "
            f"{row['width']} x {row['height']}; fetch the image at its original size"
        )
    return {**row, "height": height, "width": width}


def training_batches(
    images: DetectionImages, batch_size: int, seed: int = 0
) -> Callable[[int], tuple[tuple[Tensor, ...], tuple[Target, ...]]]:
    """The images and targets of each step, a pure function of seed and step: the images in shuffled rounds, half of
    them mirrored, without crowds.

    Raises:
        InputError: there are no images.
    """
    indices = ShuffledIndices(len(images), batch_size, seed)

    def batch_at(step: int) -> tuple[tuple[Tensor, ...], tuple[Target, ...]]:
        mirrored = torch.rand(batch_size, generator=generator("flip", seed, step)) < 0.5
        samples = []
        for index, mirror in zip(indices(step).tolist(), mirrored.tolist(), strict=True):
            image, target = images[index]
            target = without_crowds(target)
            samples.append(flip(image, target) if mirror else (image, target))
        return tuple(image for image, _ in samples), tuple(target for _, target in samples)

    return batch_at


def without_crowds(target: Target) -> Target:
    """A target without the objects that are marked `iscrowd`."""
    counted = target["iscrowd"] == 0
    return {name: values[counted] for name, values in target.items()}


def flip(image: Tensor, target: Target) -> tuple[Tensor, Target]:
    """An image [..., W] and its target mirrored left to right; the arguments stay as they are."""
    x0, y0, x1, y1 = target["boxes"].unbind(1)
    width = image.shape[-1]
    mirrored = {**target, "boxes": torch.stack([width - x1, y0, width - x0, y1], 1)}
    if "masks" in target:
        mirrored["masks"] = target["masks"].flip(-1)
    return image.flip(-1), mirrored
