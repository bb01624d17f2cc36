"""How good a pretrained backbone is for a task: 5-NN (the reward), a linear probe, full fine-tuning (T2S section 4.2).

All give the test accuracy in percent.
"""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ndslib.core.classification import accuracy, fine_tune
from ndslib.core.models import ClassifierResNet, evaluating
from ndslib.core.training import TrainConfig
from ndslib.task2sim.tasks import Task

NEIGHBOURS = 5
PROBE_ITERATIONS = 200
BATCH = 256


def features(backbone: ClassifierResNet, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """The backbone's features of images uint8 [N, 3, S, S], float32 [N, D]."""
    backbone.to(device)
    with evaluating(backbone), torch.inference_mode():
        parts = [
            backbone.features(torch.from_numpy(np.array(images[start : start + BATCH])).to(device)).float().cpu()
            for start in range(0, len(images), BATCH)
        ]
    return torch.cat(parts).numpy()


def nearest_neighbours(backbone: ClassifierResNet, task: Task, device: str = "cpu") -> float:
    """Accuracy of a 5-nearest-neighbour classifier by the angle between features: the reward of T2S section 3.3."""
    train, test = (_unit(features(backbone, part.images, device)) for part in (task.train, task.test))
    neighbours = KNeighborsClassifier(min(NEIGHBOURS, len(train))).fit(train, task.train.labels)
    return 100 * float(neighbours.score(test, task.test.labels))


def linear_probe(backbone: ClassifierResNet, task: Task, device: str = "cpu") -> float:
    """Accuracy of a linear classifier on frozen features: logistic regression, each feature scaled to deviation 1.

    The authors train theirs with SGD for 50 epochs; the minimum of the same convex loss is found here directly.
    """
    train, test = (features(backbone, part.images, device) for part in (task.train, task.test))
    # A fixed number of iterations, as the authors' is of epochs: on features that separate the classes there is no end.
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_ITERATIONS, tol=1e-3))
    probe.fit(train, task.train.labels)
    return 100 * float(probe.score(test, task.test.labels))


def fine_tuning(backbone: ClassifierResNet, task: Task, config: TrainConfig) -> float:
    """Accuracy after training the whole network with a fresh head on the task."""
    return 100 * accuracy(fine_tune(backbone, task.train, config, task.flip), task.test)


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


EVALUATIONS: dict[str, Callable[..., float]] = {
    "5NN": nearest_neighbours,
    "Linear Probing": linear_probe,
    "Finetuning": fine_tuning,
}
