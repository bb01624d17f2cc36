"""Pictures of the chapter: what settings look like, what the policy chose, whom three feature extractors call near."""

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
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
FRAME = {"fill": False, "edgecolor": PALETTE[0], "linewidth": 3}


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
    return _grid(rows, names)


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
    rows = {
        f"{task.name}: {_varied(data)}": [
            *task.train.images[_of_many_classes(task, count, seed)],
            *_synthetic(data, count),
        ]
        for task, data in zip(tasks, chosen, strict=True)
    }
    return _grid(rows, ["the task", "pretraining"])


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
        raise InputError(f"k is {k}: ask for 1 to {len(task.train.images)}, the training images of task {task.name!r}")
    train, test = (
        normalize(features(backbone, images)) for images in (task.train.images, task.test.images[list(anchors)])
    )
    return NearestNeighbors(n_neighbors=k).fit(train).kneighbors(test, return_distance=False).astype(np.int64)


def neighbours_table(task: Task, anchors: Sequence[int], neighbours: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """What `neighbours_picture` shows, a row a neighbour.

    Args:
        neighbours: by feature extractor, places among the training images, int64 [A, k] (`nearest`).

    Returns:
        columns `extractor`, `anchor` (place among the test images), `anchor_class`, `rank` (from 1), `neighbour`,
        `neighbour_class`, `same_class`.

    Raises:
        InputError: no extractor, an anchor that is not there, or not as many neighbours of each anchor.
    """
    _check_anchors(task, anchors)
    shape = (len(anchors), *np.shape(next(iter(neighbours.values()), ()))[1:])
    rows = []
    for extractor, places in neighbours.items():
        if np.shape(places) != shape:
            raise InputError(f"{extractor} has neighbours of shape {np.shape(places)}; wanted {shape}, a row an anchor")
        for anchor, near in zip(anchors, np.asarray(places).tolist(), strict=True):
            own = task.classes[task.test.labels[anchor]]
            for rank, neighbour in enumerate(near, start=1):
                other = task.classes[task.train.labels[neighbour]]
                rows.append((extractor, anchor, own, rank, neighbour, other, own == other))
    if not rows:
        raise InputError("no neighbours: give at least one anchor and one feature extractor")
    names = ["extractor", "anchor", "anchor_class", "rank", "neighbour", "neighbour_class", "same_class"]
    return pd.DataFrame(rows, columns=names)


def neighbours_picture(task: Task, anchors: Sequence[int], neighbours: Mapping[str, np.ndarray]) -> Figure:
    """Test images with their nearest training images, a row a feature extractor (T2S Figure 9).

    In each block the anchor stands left; a blue frame tells a neighbour of the anchor's class.

    Args, Raises: as `neighbours_table`.
    """
    same = dict(list(neighbours_table(task, anchors, neighbours).groupby("extractor")["same_class"]))
    rows, framed = {}, {}
    for extractor, places in neighbours.items():
        own = task.test.images[list(anchors)][:, None]  # Shape: (a, 1, 3, s, s)
        rows[extractor] = np.concatenate([own, task.train.images[places]], axis=1).reshape(-1, *own.shape[2:])
        alike = same[extractor].to_numpy().reshape(len(anchors), -1)
        framed[extractor] = np.pad(alike, ((0, 0), (1, 0))).ravel()  # the anchor itself has no frame
    figure = _grid(rows, [task.classes[task.test.labels[anchor]] for anchor in anchors], framed)
    figure.set_figheight(figure.get_figheight() + 0.35)
    legend = Patch(**FRAME, label="a neighbour of the anchor's class (the anchor stands left)")
    figure.legend(handles=[legend], loc="outside lower center")
    return figure


def _grid(
    rows: Mapping[str, Sequence[np.ndarray]], blocks: Sequence[str], framed: Mapping[str, np.ndarray] | None = None
) -> Figure:
    """Images in rows, each row beside its name; columns in equal blocks, each below its name.

    Args:
        rows: by name, as many images each, uint8 [3, S, S]; S may differ.
        framed: by the rows' names, whether each image has a frame, bool [N].
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
    for row, (name, images) in enumerate(rows.items()):
        top = row * pitch + (pitch - 1) / 2
        for left, image in zip(lefts, images, strict=True):
            axes.imshow(image.transpose(1, 2, 0), extent=(left, left + 1, top + 1, top), interpolation="nearest")
        for left in np.array(lefts)[framed[name]] if framed else ():
            axes.add_patch(Rectangle((left, top), 1, 1, **FRAME))
    axes.set(xlim=(-GAP, lefts[-1] + 1 + GAP), ylim=(len(rows) * pitch, 0), aspect="equal")
    axes.set_yticks((np.arange(len(rows)) + 0.5) * pitch, labels, fontsize=8)
    middles = [(lefts[place] + lefts[place + across - 1] + 1) / 2 for place in range(0, count, across)]
    axes.set_xticks(middles, headings, fontsize=8)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    plt.close(figure)
    return figure


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _varied(data: SyntheticSet) -> str:
    """Which parameters a setting varies, in words."""
    names = [each.name for each, level in zip(data.simulator.parameters, data.setting, strict=True) if level]
    if len(names) in (0, len(data.setting)):
        return "everything varies" if names else "nothing varies"
    return f"varies {', '.join(names)}"


def _synthetic(data: SyntheticSet, count: int) -> np.ndarray:
    """Images of the set, uint8 [count, 3, S, S], of as many classes as there are; no others are drawn."""
    how = data.pretraining
    shown = min(count, how.classes)
    ids = [how.class_ids(data.simulator)[place * how.classes // shown] for place in range(shown)]
    parts = data.simulator.generate(data.setting, ids, -(-count // shown), how.size, how.seed)
    return np.concatenate([images.numpy() for images, _ in parts])[:count]


def _of_many_classes(task: Task, count: int, seed: int) -> np.ndarray:
    """Places of training images, int64 [count], of as many classes as there are."""
    order = rng("task2sim", "shown", task.name, seed).permutation(len(task.train.images))
    labels = pd.Series(task.train.labels[order])
    return order[np.argsort(labels.groupby(labels).cumcount(), kind="stable")][:count]


def _check_anchors(task: Task, anchors: Sequence[int]) -> None:
    for wrong in (each for each in anchors if each not in range(len(task.test.images))):
        raise InputError(f"no test image {wrong!r} in task {task.name!r}: choose from 0 to {len(task.test.images) - 1}")
