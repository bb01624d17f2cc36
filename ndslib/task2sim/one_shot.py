"""A new task in one shot: from a folder of labelled images to simulation parameters (T2S section 3, at test time)."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np

from ndslib.core.errors import InputError
from ndslib.data import images
from ndslib.data.labelled import Labelled, few_per_class
from ndslib.data.loaders import image_folder
from ndslib.data.loaders.image_files import require_folder
from ndslib.sim.parameters import Parameter
from ndslib.task2sim.distance import distances
from ndslib.task2sim.policy import Policy
from ndslib.task2sim.vectors import Recipe, TaskVectors

CLOSEST = 3  # seen tasks that a prediction names
LAYOUT = "give the folder that holds a folder of images for each class"


@dataclass(frozen=True)
class Prediction:
    """What a policy says of a task.

    Attributes:
        parameters: the simulation parameters.
        levels: the most probable level of each: of 0 (fixed) and 1 (varied), for parameters of two levels.
        probabilities: float64 [M, max k], of every level.
        closest: the seen tasks nearest to it and their Task2Vec distances (0 to 1), nearest first; the vectors are
            brought to length 1 first, as the policy sees them, which takes out how hard a task is.
    """

    parameters: tuple[Parameter, ...]
    levels: tuple[int, ...]
    probabilities: np.ndarray = field(repr=False)
    closest: tuple[tuple[str, float], ...]

    @property
    def settings(self) -> dict[str, int]:
        """The predicted level by parameter name."""
        return {each.name: level for each, level in zip(self.parameters, self.levels, strict=True)}

    def as_json(self) -> dict[str, object]:
        """Settings, probabilities of every level and closest tasks, as JSON."""
        chances = {
            each.name: row[: each.levels]
            for each, row in zip(self.parameters, self.probabilities.tolist(), strict=True)
        }
        closest = [{"task": name, "distance": distance} for name, distance in self.closest]
        return {"settings": self.settings, "probabilities": chances, "closest": closest}


def read_images(
    folder: Path | str,
    size: int,
    most_per_class: int = 0,
    on_corrupt: str = "raise",
    workers: int | None = None,
) -> Labelled:
    """The images of a folder a class, `<folder>/<class>/.../<image>`.

    Args:
        size: side in pixels: the shorter side is scaled to it and the centre is cropped.
        most_per_class: take that many images of a class, at least 2, at random where it has more; 0 takes all.
        on_corrupt: what to do with an unreadable image: `raise`, or `skip` with a warning.
        workers: threads that decode; None: a core each.

    Raises:
        InputError: no such folder, no class folder in it, fewer than two classes, a class with fewer than two images,
            an unreadable image, or `most_per_class` below 0 or 1.
    """
    if most_per_class < 0 or most_per_class == 1:
        raise InputError(
            f"most_per_class is {most_per_class}: a task needs two images of a class; take at least 2, or all with 0"
        )
    folder = require_folder(folder, LAYOUT)
    table = image_folder(folder, folder.name, "train", on_corrupt=on_corrupt, remedy=LAYOUT)
    if most_per_class:
        table = few_per_class(table, (most_per_class,), "one shot", 0)[0]
    names = np.array(table["label"].to_pylist())
    _check_classes(folder, names)
    decoded = images.decode(table, size, on_corrupt, workers or joblib.cpu_count())
    for each in decoded.corrupt:
        warnings.warn(f"{each.uri} is left out: {each.reason}", stacklevel=2)
    names = names[decoded.rows]
    _check_classes(folder, names)  # again, as those left out are missing now
    return Labelled(decoded.pixels, np.unique(names, return_inverse=True)[1].astype(np.int64))


def _check_classes(folder: Path, labels: np.ndarray) -> None:
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 2:
        raise InputError(f"{folder}: its only class is {str(names[0])!r}; a task needs at least two class folders")
    if counts.min() < 2:
        raise InputError(
            f"{folder / str(names[counts.argmin()])}: the class has one image; give it at least two, or take it away"
        )


def recipe_of(policy: Policy, source: Path | str = "the policy") -> Recipe:
    """How the task vectors of a policy were made.

    Raises:
        InputError: the policy does not say it.
    """
    if policy.seen is None or policy.seen.recipe is None:
        raise InputError(
            f"{source}: it does not say which probe network its task vectors came from, so no vector of a new task can "
            "be made alike; train it on a file of `ndslib task2sim task2vec` (in Python: fit it to `TaskVectors` with "
            "a recipe), or say what they are with `ndslib task2sim train --made-by`"
        )
    return policy.seen.recipe


def predict(policy: Policy, dataset: Labelled, device: str = "cpu") -> Prediction:
    """Settings for the pretraining data of a task that the policy has not seen.

    Args:
        policy: fitted to `TaskVectors` with a recipe.
        dataset: at least two classes of at least two images, at the size of the recipe.
        device: where Task2Vec is computed.

    Raises:
        InputError: the policy does not say how its vectors were made, or as `Recipe.vector`.
    """
    vector = recipe_of(policy).vector(dataset, device)
    (levels,), (probabilities,) = policy.predict(vector[None]), policy.probabilities(vector[None])
    return Prediction(policy.parameters, tuple(levels.tolist()), probabilities, closest(policy.seen, vector))


def closest(seen: TaskVectors, vector: np.ndarray, count: int = CLOSEST) -> tuple[tuple[str, float], ...]:
    """The tasks nearest to a vector float [D], and their distances, nearest first."""
    vectors = np.concatenate([vector[None], seen.values]).astype(np.float64)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    far = [distances(units[[0, place]])[0, 1] for place in range(1, len(units))]
    return tuple((seen.names[place], float(far[place])) for place in np.argsort(far, kind="stable")[:count])
