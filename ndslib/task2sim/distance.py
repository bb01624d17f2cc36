"""How far apart tasks are, from their Task2Vecs, and the picture of it (Achille et al., Task2Vec, ICCV 2019)."""

import itertools
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import dendrogram, linkage
from scipy.spatial.distance import cosine, pdist, squareform

from ndslib.core.errors import InputError
from ndslib.core.plots import INK, PALETTE
from ndslib.task2sim.curves import WIDTH
from ndslib.task2sim.tasks import CATEGORIES


def distances(vectors: ArrayLike) -> np.ndarray:
    """Symmetric normalised cosine distances of tasks, 0 for proportional vectors to 1 for those without overlap.

    Between tasks a and b it is the cosine distance of a / (a + b) and b / (a + b): every value is seen relative to its
    size in the two tasks, so that the few large ones do not drown the rest. Values that are 0 in both do not count.

    Give the vectors as `task2vec` made them, as Achille et al. do. The authors' 20 (T2S section 4.1) differ 500-fold
    in length; brought to length 1 first they group by the paper's six categories no better: the nearest task is of the
    same category for 10 of 20 either way (2.6 by chance), and pairs of one category are closer than others with
    probability 0.71 and 0.70.

    Args:
        vectors: float [N, D], none below 0, from one probe and method.

    Returns:
        float64 [N, N], symmetric, zeros on the diagonal.

    Raises:
        InputError: another shape, a value that is negative or not finite, or a vector of zeros.
    """
    return squareform(pdist(_checked(vectors), _relative_cosine))


def cosine_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Symmetric normalised cosine distance of two tasks, float [D] each, in 0..1; see `distances`.

    Raises:
        InputError: as `distances`, or vectors of different lengths.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise InputError(f"vectors of shapes {a.shape} and {b.shape}: compare those of one probe and method")
    return float(distances([a, b])[0, 1])


def cluster_order(distances: np.ndarray) -> np.ndarray:
    """Places of the tasks, int64 [N], so that similar ones are neighbours (complete linkage, the best such order)."""
    return np.array(dendrogram(_tree(distances), no_plot=True)["leaves"])


def distance_picture(distances: np.ndarray, names: Sequence[str], groups: Sequence[str] | None = None) -> Figure:
    """Distances as a clustered map beside the tree of the clusters, as the Task2Vec paper shows them.

    Args:
        distances: float [N, N], at least two tasks.
        names: of the tasks.
        groups: what each task belongs to; gives names and a legend their colours.

    Raises:
        InputError: fewer than two tasks, or numbers of names or groups that are not theirs.
    """
    count = len(names)
    if count < 2 or distances.shape != (count, count):
        raise InputError(f"distances of shape {distances.shape} for {count} names: give one a task, two at least")
    if groups is not None and len(groups) != count:
        raise InputError(f"{len(groups)} groups for {count} tasks: give one a task")
    size = (WIDTH, 1.2 + WIDTH * 0.8 * min(1, (count + 4) / 24))
    figure, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=(1, 8), layout="constrained")
    above = {"above_threshold_color": INK, "color_threshold": 0}
    order = dendrogram(_tree(distances), orientation="left", no_labels=True, ax=left, **above)["leaves"]
    left.invert_yaxis()
    left.set_axis_off()
    ordered, labels = distances[np.ix_(order, order)], [names[place] for place in order]
    legible = {"annot": True, "fmt": ".2f", "annot_kws": {"fontsize": min(9, 150 / count)}} if count <= 30 else {}
    sns.heatmap(
        ordered,
        ax=right,
        cmap="Blues_r",
        xticklabels=labels,
        yticklabels=labels,
        cbar_kws={"label": "distance"},
        **legible,
    )
    right.yaxis.tick_right()
    right.tick_params(axis="y", rotation=0)
    right.set_xticklabels(right.get_xticklabels(), rotation=40, ha="right", rotation_mode="anchor")
    if groups is not None:
        _colour_by_group(figure, right, [groups[place] for place in order])
    plt.close(figure)
    return figure


def _colour_by_group(figure: Figure, axes: Axes, groups: list[str]) -> None:
    """Give the names along a map the colours of their groups, and the figure a legend of these."""
    kinds = [*CATEGORIES, *sorted({*groups} - {*CATEGORIES})]  # a category has one colour in every picture
    colours = dict(zip(kinds, itertools.cycle(PALETTE), strict=False))
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        for label, group in zip(labels, groups, strict=True):
            label.set(color=colours[group], fontweight="bold")
    patches = [Patch(color=colours[group], label=group) for group in kinds if group in groups]
    figure.legend(handles=patches, loc="outside lower center", ncols=6)


def _tree(distances: np.ndarray) -> np.ndarray:
    return linkage(squareform(distances, checks=False), "complete", optimal_ordering=True)


def _relative_cosine(a: np.ndarray, b: np.ndarray) -> float:
    total = a + b
    counts = total > 0
    return cosine(a[counts] / total[counts], b[counts] / total[counts])


def _checked(vectors: ArrayLike) -> np.ndarray:
    values = np.asarray(vectors, np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise InputError(f"task vectors have the shape {values.shape}; wanted [tasks, values], at least one of each")
    wrong = ~(np.isfinite(values) & (values >= 0)).all(1) | ~values.any(1)
    if wrong.any():
        raise InputError(
            f"task vector {wrong.argmax()} is zero, or has values that are negative or not finite: compute it again"
        )
    return values
