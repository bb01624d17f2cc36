"""Pictures of the chapter: what settings look like, what the policy chose, whom three feature extractors call near."""

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from ndslib.core.errors import InputError
from ndslib.core.models import ClassifierResNet
from ndslib.core.plots import PALETTE
from ndslib.core.seeding import rng
from ndslib.sim.effects import one_varied, pictures
from ndslib.sim.simulator import Simulator
from ndslib.task2sim.evaluation import features
from ndslib.task2sim.pretraining import SyntheticSet
from ndslib.task2sim.tasks import Task

WIDTH = 9.0  # inches, a notebook's width
TILE = 0.85  # inches, the largest side of an image
GAP = 0.06  # between images, in tiles
BLOCK_GAP = 0.25  # between blocks of images, in tiles
LETTER, LINE = 0.075, 0.14  # room of a letter and a line of the names, in inches
ROW_LETTERS = 30  # of a line beside a row
FRAME = PALETTE[0]


def settings_grid(
    simulator: Simulator,
    class_ids: Sequence[int],
    settings: Mapping[str, Sequence[int]],
    images_per_class: int = 2,
    seed: int = 0,
) -> Figure:
    """The same objects under several settings, a row a setting.

    Args:
        class_ids: places among the simulator's classes.
        settings: by name, one level a parameter.

    Raises:
        InputError: no setting or class, or what `Simulator.generate` refuses.
    """
    if not settings or not class_ids:
        raise InputError(f"{len(settings)} settings of {len(class_ids)} classes: give at least one of each")
    rows = {
        name: pictures(simulator, setting, class_ids, images_per_class, seed).numpy()
        for name, setting in settings.items()
    }
    names = [simulator.classes[number] for number in class_ids]
    return _grid(rows, names)[0]


def parameter_effects(
    simulator: Simulator, class_ids: Sequence[int], images_per_class: int = 2, seed: int = 0
) -> Figure:
    """The same objects with every parameter fixed, and with each one varied alone (T2S section 4.1)."""
    settings = {"all fixed": one_varied(simulator, -1)}
    settings |= {parameter.name: one_varied(simulator, place) for place, parameter in enumerate(simulator.parameters)}
    return settings_grid(simulator, class_ids, settings, images_per_class, seed)


def pretraining_sets(tasks: Sequence[Task], chosen: Sequence[SyntheticSet], count: int = 4, seed: int = 0) -> Figure:
    """Images of tasks (left) beside what the policy has a network pretrained on for them (right).

    Args:
        chosen: the pretraining data of each task; only the pictures shown are drawn.
        count: images of each, of as many classes as there are.

    Raises:
        InputError: no tasks, or not one pretraining set each.
    """
    if not tasks or len(tasks) != len(chosen):
        raise InputError(
            f"{len(tasks)} tasks and {len(chosen)} pretraining sets: give at least one, and a set for each"
        )
    rows = {}
    for task, data in zip(tasks, chosen, strict=True):
        how = data.pretraining
        classes = how.class_ids(data.simulator)
        ids = [classes[place * len(classes) // count] for place in range(count)]
        drawn = [
            next(iter(data.simulator.generate(data.setting, [each], 1, how.size, how.seed)))[0].numpy() for each in ids
        ]
        own = task.train.images[_of_many_classes(task, count, seed)]
        rows[f"{task.name}: {_varied(data)}"] = [*own, *np.concatenate(drawn)]
    return _grid(rows, ["the task", "pretraining"])[0]


def nearest(backbone: ClassifierResNet, task: Task, anchors: Sequence[int], k: int = 3) -> np.ndarray:
    """The training images whose features have the least angle to those of some test images, nearest first.

    Args:
        anchors: places among the task's test images, [A].

    Returns:
        places among its training images, int64 [A, k].

    Raises:
        InputError: an anchor that is not there, or fewer than k training images.
    """
    _check_anchors(task, anchors)
    if not 1 <= k <= len(task.train.images):
        raise InputError(
            f"k is {k}: task {task.name!r} has {len(task.train.images)} training images; ask for 1 or more"
        )
    train, test = (
        normalize(features(backbone, images)) for images in (task.train.images, task.test.images[list(anchors)])
    )
    return NearestNeighbors(n_neighbors=k).fit(train).kneighbors(test, return_distance=False).astype(np.int64)


def neighbours_table(task: Task, anchors: Sequence[int], neighbours: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """What `neighbours_picture` shows, a row a neighbour.

    Args:
        neighbours: by feature extractor, places among the training images, int64 [A, k] (`nearest`).

    Returns:
        columns `extractor`, `anchor`, `anchor_class`, `rank` (from 1), `neighbour`, `neighbour_class`, `same_class`.

    Raises:
        InputError: an anchor that is not there, or neighbours of another number of anchors.
    """
    _check_anchors(task, anchors)
    rows = []
    for extractor, places in neighbours.items():
        if len(places) != len(anchors):
            raise InputError(f"{extractor}: neighbours of {len(places)} images for {len(anchors)} anchors")
        for anchor, near in zip(anchors, np.asarray(places).tolist(), strict=True):
            own = task.classes[task.test.labels[anchor]]
            for rank, neighbour in enumerate(near, start=1):
                other = task.classes[task.train.labels[neighbour]]
                rows.append((extractor, anchor, own, rank, neighbour, other, own == other))
    names = ["extractor", "anchor", "anchor_class", "rank", "neighbour", "neighbour_class", "same_class"]
    return pd.DataFrame(rows, columns=names)


def neighbours_picture(task: Task, anchors: Sequence[int], neighbours: Mapping[str, np.ndarray]) -> Figure:
    """Test images with their nearest training images, a row a feature extractor (T2S Figure 9).

    In each block the anchor stands left; a blue frame tells a neighbour of the anchor's class.

    Args, Raises: as `neighbours_table`.
    """
    table = neighbours_table(task, anchors, neighbours)
    if table.empty:
        raise InputError("no neighbours to draw: give at least one anchor and one feature extractor")
    rows = {
        extractor: [
            image
            for anchor, near in zip(anchors, places, strict=True)
            for image in (task.test.images[anchor], *task.train.images[np.asarray(near)])
        ]
        for extractor, places in neighbours.items()
    }
    figure, outlines = _grid(rows, [task.classes[task.test.labels[anchor]] for anchor in anchors])
    across = len(outlines[0]) // len(anchors)
    for row, (_, own) in zip(outlines, table.groupby("extractor", sort=False), strict=True):
        neighbours_only = [outline for place, outline in enumerate(row) if place % across]
        for outline, same in zip(neighbours_only, own["same_class"], strict=True):
            if same:
                figure.axes[0].add_patch(outline)
    return figure


def _grid(rows: Mapping[str, Sequence[np.ndarray]], blocks: Sequence[str]) -> tuple[Figure, list[list[Rectangle]]]:
    """Images in rows, each row beside its name; columns in equal blocks, each below its name.

    Args:
        rows: by name, as many images uint8 [3, S, S] each.

    Returns:
        the figure, and the outline of each image by row, not drawn yet.
    """
    labels = [textwrap.fill(_plain(name), ROW_LETTERS) for name in rows]
    lines = [line for label in labels for line in label.splitlines()]
    count = len(next(iter(rows.values())))
    across = count // len(blocks)
    lefts = [place * (1 + GAP) + place // across * BLOCK_GAP for place in range(count)]
    side = min(TILE, (WIDTH - LETTER * max(map(len, lines))) / (lefts[-1] + 1))
    pitch = max(1 + GAP, LINE * max(label.count("\n") + 1 for label in labels) / side)
    headings = [textwrap.fill(_plain(name), max(6, int(across * side / LETTER))) for name in blocks]
    above = LINE * max(heading.count("\n") + 1 for heading in headings) + 0.15
    figure, axes = plt.subplots(figsize=(WIDTH, side * pitch * len(rows) + above), layout="constrained")
    outlines = []
    for row, images in enumerate(rows.values()):
        top = row * pitch + (pitch - 1) / 2
        for left, image in zip(lefts, images, strict=True):
            axes.imshow(image.transpose(1, 2, 0), extent=(left, left + 1, top + 1, top), interpolation="nearest")
        outlines.append([Rectangle((left, top), 1, 1, fill=False, edgecolor=FRAME, linewidth=3) for left in lefts])
    axes.set(xlim=(-GAP, lefts[-1] + 1 + GAP), ylim=(len(rows) * pitch, 0), aspect="equal")
    axes.set_yticks((np.arange(len(rows)) + 0.5) * pitch, labels, fontsize=8)
    middles = [(lefts[place] + lefts[place + across - 1] + 1) / 2 for place in range(0, count, across)]
    axes.set_xticks(middles, headings, fontsize=8)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    plt.close(figure)
    return figure, outlines


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _varied(data: SyntheticSet) -> str:
    """Which parameters a setting varies, in words."""
    names = [each.name for each, level in zip(data.simulator.parameters, data.setting, strict=True) if level]
    if len(names) in (0, len(data.setting)):
        return "everything varies" if names else "nothing varies"
    return f"varies {', '.join(names)}"


def _of_many_classes(task: Task, count: int, seed: int) -> np.ndarray:
    """Places of training images, int64 [count], of as many classes as there are."""
    order = rng("task2sim", "shown", task.name, seed).permutation(len(task.train.images))
    labels = pd.Series(task.train.labels[order])
    return order[np.argsort(labels.groupby(labels).cumcount(), kind="stable")][:count]


def _check_anchors(task: Task, anchors: Sequence[int]) -> None:
    for wrong in (each for each in anchors if each not in range(len(task.test.images))):
        raise InputError(
            f"there is no test image {wrong!r} of task {task.name!r}: 0 to {len(task.test.images) - 1} are"
        )
