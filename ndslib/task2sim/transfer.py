"""Task2Sim beside its baselines: the setting that each method gives a task, and how good pretraining with it is.

T2S Tables 1, 2 and 3 and Figures 3, 4 and 6 to 8, as tidy rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ndslib.core.progress import track
from ndslib.core.seeding import rng
from ndslib.sim.parameters import PARAMETERS
from ndslib.task2sim.evaluation import FINE_TUNING, LINEAR_PROBING, pair_scores
from ndslib.task2sim.experiments import Settings
from ndslib.task2sim.methods import OPTIMUM, RANDOM, RANDOMISED, REAL, SCRATCH, SINGLE, TASK2SIM
from ndslib.task2sim.policy import Policy
from ndslib.task2sim.pretraining import GivenImages, Scratch, Source
from ndslib.task2sim.real_images import FIXED_CLASSES, real_images
from ndslib.task2sim.rewards import RewardTable
from ndslib.task2sim.tasks import Task

SMALL, LARGE = "small", "large"  # the two column groups of Tables 2 and 3
VARIATIONS = {  # Table 1, each with those before it
    "Pose": ("object_rotation", "object_distance"),
    "+Lighting": ("light_intensity", "light_color", "light_direction"),
    "+Blur": ("blur",),
    "+Materials": ("materials",),
    "+Background": ("background",),
}
SWEEPS = {"t2s-f6": "classes", "t2s-f7": "meshes_per_class", "t2s-f8": "images_per_class"}  # what a figure varies


def baseline_settings(table: RewardTable, seen: Sequence[bool], seed: int) -> dict[str, np.ndarray]:
    """The settings of the baselines for all tasks of a table, int64 [N, M] each (T2S section 4.2).

    Random draws one a task; Domain Randomization varies everything; the best single setting has the highest mean over
    the seen tasks; the best setting of each task is the upper bound. The last two are the best by the table's rewards,
    5-NN after pretraining on the smaller sets: under another evaluation or after larger sets others may beat them.
    """
    count, shape = len(table.tasks), [parameter.levels for parameter in table.parameters]
    single = table.settings[table.flat[np.asarray(seen)].mean(axis=0).argmax()]
    return {
        RANDOM: rng("task2sim", "random", seed).integers(shape, size=(count, len(shape))),
        RANDOMISED: np.tile(np.array(shape) - 1, (count, 1)),
        SINGLE: np.tile(single, (count, 1)),
        OPTIMUM: table.settings[table.flat.argmax(axis=1)],
    }


def successive_variations(settings: Settings) -> pd.DataFrame:
    """Table 1: linear probing on the tasks after pretraining with more and more variations; tidy rows in percent."""
    varied: set[str] = set()
    sources: dict[str, Source] = {}
    rewards = replace(settings, free=()).rewards
    for name, added in VARIATIONS.items():
        varied |= set(added)
        sources[name] = rewards.data([int(parameter.name in varied) for parameter in PARAMETERS])
    tasks = settings.load()
    of_each = {name: [source] * len(tasks) for name, source in sources.items()}
    return accuracies(of_each, tasks, LINEAR_PROBING, settings).assign(experiment="t2s-t1")


def compare(
    settings: Settings, chosen: Mapping[str, np.ndarray], evaluations: Iterable[str], data: str = SMALL
) -> pd.DataFrame:
    """Tables 2 and 3 and Figures 3 and 4: every method on every task.

    On the seen tasks, 5-NN after the smaller sets is the reward itself, on the test images that the policy was trained
    by, as in the paper (the first column of its Table 2). Imagenet* is in the rows even where fewer real images exist
    than are wanted (`real_images`): it is then pretrained on all of them, at a disadvantage.

    Args:
        chosen: int64 [N, M], the setting of each task, by method; Scratch and the real images are added.
        evaluations: names of `evaluation.EVALUATIONS`. Scratch is only fine-tuned, as in the paper.
        data: `small` or `large`, the size of the pretraining sets (`Settings.large`).

    Returns:
        Tidy rows: experiment "transfer", method, task, group (seen, unseen), data, metric (the evaluation), value in
        percent.
    """
    sized = settings.large if data == LARGE else settings
    tasks, rewards = sized.load(), sized.rewards
    sources = {name: [rewards.data(setting) for setting in each.tolist()] for name, each in chosen.items()}
    sources[REAL] = [real_images(sized.tasks, sized.pretraining)] * len(tasks)
    parts = []
    for evaluation in track(list(evaluations), f"{data} pretraining sets"):
        scratch = {SCRATCH: [Scratch(sized.pretraining)] * len(tasks)} if evaluation == FINE_TUNING else {}
        parts.append(accuracies({**scratch, **sources}, tasks, evaluation, sized))
    return pd.concat(parts, ignore_index=True).assign(experiment="transfer", data=data)


def sweep(
    figure: str, values: Iterable[int], settings: Settings, chosen: Mapping[str, np.ndarray], evaluation: str
) -> pd.DataFrame:
    """Figures 6 to 8: accuracy on the seen tasks as the pretraining data grow.

    Imagenet* stands beside them where the real images grow alike: in Figure 6 only if their classes can (`paper`), in
    Figure 8 while there are enough of them, in Figure 7 never, for they have no meshes.

    Args:
        figure: a name of `SWEEPS`. With fewer meshes there are fewer images in proportion, as in the paper.
        values: classes, meshes of a class or images of a class.
        settings: what does not vary is theirs; `Settings.large` or `sized` gives a figure other sets than the policy's
            (T2S has 1000 images a class in Figure 6, and all 237 classes in Figures 7 and 8).
        chosen: as in `compare`, one row a task; only the seen ones are used.

    Returns:
        Tidy rows as of `compare`, experiment `figure`; `step` is the size: classes (Fig. 6), meshes of a class (Fig. 7)
        or images of all classes together (Fig. 8).
    """
    parts = []
    for value in track(list(values), SWEEPS[figure].replace("_", " ")):
        changes = {SWEEPS[figure]: value}
        if figure == "t2s-f7":
            changes["images_per_class"] = max(1, settings.images_per_class * value // settings.meshes_per_class)
        sized = settings.sized(**changes)
        seen = [place for place, task in enumerate(sized.load()) if task.seen]
        tasks, rewards = [sized.load()[place] for place in seen], sized.rewards
        sources = {name: [rewards.data(each[place].tolist()) for place in seen] for name, each in chosen.items()}
        if (real := _real_images(figure, sized)) is not None:
            sources[REAL] = [real] * len(tasks)
        step = sized.classes * value if figure == "t2s-f8" else value
        parts.append(accuracies(sources, tasks, evaluation, sized).assign(step=step))
    return pd.concat(parts, ignore_index=True).assign(experiment=figure)


def _real_images(figure: str, sized: Settings) -> GivenImages | None:
    """The real images of a point of a sweep, or None where they do not grow as the synthetic ones do."""
    if figure == "t2s-f7" or (figure == "t2s-f6" and sized.tasks in FIXED_CLASSES):
        return None
    real = real_images(sized.tasks, sized.pretraining)
    return real if len(real.data.labels) == sized.classes * sized.images_per_class else None


def output(policy: Policy, task_vectors: np.ndarray, tasks: Sequence[Task]) -> pd.DataFrame:
    """Fig. 5: the probability (0..1) that each parameter varies for each task; tidy rows, metric is the parameter."""
    varied = 1 - policy.probabilities(task_vectors)[:, :, 0]  # level 0 is fixed
    return pd.DataFrame(
        [
            {"task": task.name, "group": _group(task), "metric": parameter.name, "value": value}
            for task, values in zip(tasks, varied.tolist(), strict=True)
            for parameter, value in zip(policy.parameters, values, strict=True)
        ]
    ).assign(experiment="probability", method=TASK2SIM)


def accuracies(
    sources: Mapping[str, Sequence[Source]], tasks: Sequence[Task], evaluation: str, settings: Settings
) -> pd.DataFrame:
    """The accuracy of each task after each method's pretraining for it; every backbone is trained once.

    Args:
        sources: by method, one a task.
        evaluation: a name of `evaluation.EVALUATIONS`.

    Returns:
        Tidy rows: method, task, group (seen, unseen), metric (the evaluation), value in percent.
    """
    rows = [
        (method, task, source) for method, each in sources.items() for task, source in zip(tasks, each, strict=True)
    ]
    config = settings.fine_tuning if evaluation == FINE_TUNING else None
    pairs = [(source, task) for _, task, source in rows]
    values = pair_scores(pairs, evaluation, config, settings.workers, settings.engine)
    return pd.DataFrame(
        [
            {"method": method, "task": task.name, "group": _group(task), "metric": evaluation, "value": value}
            for (method, task, _), value in zip(rows, values, strict=True)
        ]
    )


def _group(task: Task) -> str:
    return "seen" if task.seen else "unseen"
