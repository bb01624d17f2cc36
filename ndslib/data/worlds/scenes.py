"""Pictures of several objects with exact boxes and instance masks, as COCO data sets on disk: for detection and
instance segmentation.

A domain is a kind of place with its own classes, camera and backgrounds. Objects stand (or lie) on the floor without
touching, hide one another in part and are cut off by the picture's edge; every one of them is annotated. The parts
train, val and test share no mesh.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.parallel import run_jobs
from ndslib.core.seeding import rng
from ndslib.data.loaders.coco import coco
from ndslib.data.worlds import coco_json
from ndslib.data.worlds.layout import arrange
from ndslib.data.worlds.places import PLACES
from ndslib.data.worlds.staging import picture
from ndslib.data.worlds.store import LICENCE, check_classes, check_split, code_key, default_workers, kept
from ndslib.sim.scene import SceneBatch

DOMAINS: Mapping[str, tuple[str, ...]] = {name: tuple(place.sizes) for name, place in PLACES.items()}
MOST_OBJECTS = 16
VIEWS = 4  # cameras tried before so many objects are said not to fit
PICTURES_PER_JOB = 16
FEW = 100  # pictures that are drawn sooner in this process than other processes start
ANNOTATIONS = "annotations/instances_{split}.json"


@dataclass(frozen=True)
class SceneImage:
    """A picture of N objects.

    Attributes:
        image: uint8 [size, size, 3], RGB.
        masks: bool [N, size, size], the visible pixels of each object.
        boxes: int64 [N, 4], their extents: x0, y0, x1, y1, with x1 and y1 one past the last pixel.
        labels: int64 [N], places in the list of classes.
        scene: what is rendered, a batch of one scene.
    """

    image: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    scene: SceneBatch


def draw(
    domain: str,
    classes: Sequence[str],
    index: int,
    split: str = "train",
    size: int = 96,
    seed: int = 0,
    objects: tuple[int, int] = (2, 8),
) -> SceneImage:
    """Picture `index` of a data set; the same in every process, whatever else is drawn.

    Args:
        classes: of `DOMAINS[domain]`, all equally likely.
        objects: the fewest and the most in a picture.

    Raises:
        InputError: no such domain, class or split, a class named twice, a negative index, a size below 24, a range of
            objects outside 1 to 16, or so many objects that they do not fit before the camera.
    """
    _check(domain, classes, split, size, objects)
    if index < 0:
        raise InputError(f"index {index}: pictures count from 0")
    random = rng("worlds", "scenes", seed, domain, split, index)
    views = (arrange(PLACES[domain], list(classes), objects, split, size, random) for _ in range(VIEWS))
    found = next(filter(None, views), None)
    if found is None:
        raise InputError(
            f"picture {index} of {domain}: no room for {objects[0]} objects of the classes {', '.join(classes)} that "
            f"show in {size} x {size} pixels; ask for fewer, or for a larger size"
        )
    return SceneImage(
        image=picture(found.shown, 0),
        masks=found.shown.instances.numpy() == np.arange(1, len(found.names) + 1)[:, None, None],
        boxes=found.shown.boxes.numpy(),
        labels=np.array([list(classes).index(name) for name in found.names]),
        scene=found.scene,
    )


def _check(domain: str, classes: Sequence[str], split: str, size: int, objects: tuple[int, int]) -> None:
    if domain not in DOMAINS:
        raise InputError(f"no scenes of {domain!r}: choose from {', '.join(DOMAINS)}")
    check_classes(domain, classes, DOMAINS[domain])
    check_split(split)
    if size < 24:
        raise InputError(f"size {size}: scenes need pictures of at least 24 pixels")
    if not 1 <= objects[0] <= objects[1] <= MOST_OBJECTS:
        raise InputError(f"objects {objects}: give the fewest and the most of a picture, from 1 to {MOST_OBJECTS}")


def folder(
    domain: str,
    classes: Sequence[str],
    images: int,
    split: str,
    size: int = 96,
    seed: int = 0,
    objects: tuple[int, int] = (2, 8),
    masks: bool = True,
    workers: int | None = None,
) -> Path:
    """A COCO data set in the cache: `annotations/instances_<split>.json` and `<split>/000000.png` and so on.

    Asking for more images keeps the first ones. In memory there are the annotations (about 1 KB an object), never the
    pictures.

    Args:
        masks: whether the annotations have a `segmentation` (uncompressed run lengths) besides the box.
        workers: local processes; None takes all cores for 100 images and more, else this process.

    Raises:
        InputError: as `draw`, no images, or no workers.
        ExceptionGroup: of the InputErrors of pictures in which so many objects do not fit.
    """
    _check(domain, classes, split, size, objects)
    if images < 1:
        raise InputError(f"images is {images}: it must be at least 1")
    workers = default_workers(images, FEW) if workers is None else workers
    settings = {"domain": domain, "classes": list(classes), "split": split, "size": size, "seed": seed}
    settings |= {"objects": tuple(objects)}

    def build(place: Path) -> None:
        (place / split).mkdir(parents=True)
        numbers = np.array_split(np.arange(images), -(-images // PICTURES_PER_JOB))
        jobs = [(place / split, settings, each.tolist(), masks) for each in numbers]
        pictures = [each for some in run_jobs(_draw_some, jobs, workers, description="drawing scenes") for each in some]
        title = f"ndslib scenes: {domain}, {split}, seed {seed}"
        document = coco_json.document(title, LICENCE, domain, classes, pictures, size)
        (place / "annotations").mkdir()
        (place / ANNOTATIONS.format(split=split)).write_text(json.dumps(document))

    return kept("scenes", digest(settings, images, masks, code_key()), build)


def _draw_some(job: tuple[Path, dict[str, Any], list[int], bool]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Write some pictures; their file names and annotations."""
    place, settings, numbers, with_masks = job
    written = []
    for number in numbers:
        scene, name = draw(index=number, **settings), f"{number:06}.png"
        Image.fromarray(scene.image).save(place / name)
        written.append((name, coco_json.annotations(scene.masks, scene.boxes, scene.labels, with_masks)))
    return written


def sample_table(
    domain: str,
    classes: Sequence[str],
    images: int,
    split: str,
    size: int = 96,
    seed: int = 0,
    objects: tuple[int, int] = (2, 8),
    masks: bool = True,
    workers: int | None = None,
) -> pa.Table:
    """The data set of `folder` as a sample table with boxes (and masks) in `annotation`, read by the COCO loader.

    Arguments and errors are those of `folder`.
    """
    root = folder(domain, classes, images, split, size, seed, objects, masks, workers)
    return coco(root, domain, split, LICENCE, annotations=ANNOTATIONS, images="{split}")
