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
from ndslib.task2sim.curves import WIDTH
from ndslib.task2sim.evaluation import features
from ndslib.task2sim.live import LiveRewards
from ndslib.task2sim.pretraining import SyntheticSet
from ndslib.task2sim.tasks import Task

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


def parameter_effects(simulator: Simulator, class_id: int, images: int = 6, seed: int = 0) -> Figure:
    """Pictures of a class with every parameter fixed, and with each one varied alone (T2S section 4.1)."""
    settings = {"all fixed": one_varied(simulator, -1)}
    settings |= {parameter.name: one_varied(simulator, place) for place, parameter in enumerate(simulator.parameters)}
    return settings_grid(simulator, [class_id], settings, images, seed)


def pretraining_sets(
    rewards: LiveRewards, tasks: Sequence[Task], settings: np.ndarray, columns: int = 4, seed: int = 0
) -> Figure:
    """Images of tasks (left) beside what a network is pretrained on for them (right).

    Args:
        rewards: knows the data of a setting; only the pictures shown are drawn.
        settings: of each task, int64 [N, M].
        columns: images of each, of as many classes as there are.

    Raises:
        InputError: no tasks, not one setting each, or what the simulator refuses.
    """
    if not tasks or len(tasks) != len(settings):
        raise InputError(f"{len(tasks)} tasks and {len(settings)} settings: give at least one task, and a setting each")
    sets = [rewards.data(setting) for setting in np.asarray(settings).tolist()]
    rows = {
        f"{task.name}: {_varied(data)}": [
            *task.train.images[_of_many_classes(task, columns, seed)],
            *_synthetic(data, columns),
        ]
        for task, data in zip(tasks, sets, strict=True)
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
    for wrong in (each for each in anchors if each not in range(len(task.test.images))):
        raise InputError(f"no test image {wrong!r} in task {task.name!r}: choose from 0 to {len(task.test.images) - 1}")
    if not 1 <= k <= len(task.train.images):
        raise InputError(f"k is {k}: ask for 1 to {len(task.train.images)}, the training images of task {task.name!r}")
    parts = (task.train.images, task.test.images[list(anchors)])
    train, test = (normalize(features(backbone, images)) for images in parts)
    return NearestNeighbors(n_neighbors=k).fit(train).kneighbors(test, return_distance=False).astype(np.int64)


def neighbours(
    backbones: Mapping[str, ClassifierResNet], task: Task, anchors: Sequence[int], k: int = 3
) -> tuple[Figure, pd.DataFrame]:
    """Test images with their nearest training images, a row a feature extractor (T2S Figure 9).

    In each block the anchor stands left; a blue frame tells a neighbour of the anchor's class.

    Args:
        backbones: feature extractors by name.
        anchors: places among the task's test images, [A].

    Returns:
        the picture; and a row a neighbour: `extractor`, `anchor`, `anchor_class`, `rank` (from 1), `neighbour` (place
        among the training images), `neighbour_class`, `same_class`.

    Raises:
        InputError: no extractor or anchor, or as `nearest`.
    """
    if not backbones or not len(anchors):
        raise InputError(f"{len(backbones)} feature extractors and {len(anchors)} anchors: give at least one of each")
    anchors, rows, framed, tables = list(anchors), {}, {}, []
    for extractor, backbone in backbones.items():
        near = nearest(backbone, task, anchors, k)
        pictures_of = np.concatenate([task.test.images[anchors][:, None], task.train.images[near]], axis=1)
        rows[extractor] = pictures_of.reshape(-1, *pictures_of.shape[2:])
        tables.append(_neighbours_table(extractor, task, anchors, near))
        same = tables[-1]["same_class"].to_numpy().reshape(near.shape)
        framed[extractor] = np.pad(same, ((0, 0), (1, 0))).ravel()  # the anchor itself has no frame
    figure = _grid(rows, [task.classes[task.test.labels[anchor]] for anchor in anchors], framed)
    figure.set_figheight(figure.get_figheight() + 0.35)
    legend = Patch(**FRAME, label="a neighbour of the anchor's class (the anchor stands left)")
    figure.legend(handles=[legend], loc="outside lower center")
    return figure, pd.concat(tables, ignore_index=True)


def _neighbours_table(extractor: str, task: Task, anchors: list[int], near: np.ndarray) -> pd.DataFrame:
    """A row a neighbour; `near` are places among the training images, int64 [A, k]."""
    names, (count, k) = np.array(task.classes), near.shape
    rows = {
        "anchor": np.repeat(anchors, k),
        "anchor_class": np.repeat(names[task.test.labels[anchors]], k),
        "rank": np.tile(np.arange(1, k + 1), count),
        "neighbour": near.ravel(),
        "neighbour_class": names[task.train.labels[near]].ravel(),
    }
    table = pd.DataFrame({"extractor": extractor, **rows})
    return table.assign(same_class=table["anchor_class"] == table["neighbour_class"])


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
