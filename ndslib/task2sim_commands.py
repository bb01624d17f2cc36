"""The commands of Task2Sim: `ndslib task2sim predict | task2vec | train`.

They lie beside `ndslib.cli` and outside of `ndslib.task2sim`, whose import takes seconds: help has to answer at once.
"""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ndslib.core.errors import InputError
from ndslib.core.terminal import console, new_table

if TYPE_CHECKING:
    from ndslib.core.models import ResNet18
    from ndslib.data.labelled import Labelled
    from ndslib.sim import Simulator
    from ndslib.task2sim.one_shot import Prediction
    from ndslib.task2sim.policy import Policy
    from ndslib.task2sim.rewards import RewardTable

PRETRAINED = "pretrained"  # the probe of the notebooks' defaults
SIZES = {PRETRAINED: 32, "imagenet": 224}
_LEVELS = {2: ("fixed", "varied")}  # what the levels of a parameter of two are called

task2sim = typer.Typer(no_args_is_help=True, help="Task2Sim: from a task to the synthetic data that it needs.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (predict, task2vec, train):
        task2sim.command()(command)
    app.add_typer(task2sim, name="task2sim")


_Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:n.")]
_MostPerClass = Annotated[
    int, typer.Option(min=0, help="Look at that many images of a class at most; 0: at all of them.")
]
_SkipCorrupt = Annotated[bool, typer.Option("--skip-corrupt", help="Leave unreadable images out, and name them.")]


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DATA_DIR", help="Your images, a folder a class.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="A policy of `ndslib task2sim train`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    render: Annotated[
        tuple[int, Path] | None,
        typer.Option(metavar="N OUT", help="Render the pretraining set: N images a class, into the folder OUT."),
    ] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Object classes to render; by default all.")] = None,
    size: Annotated[int, typer.Option(min=8, help="Side of the rendered images in pixels; 256 in the paper.")] = 64,
    meshes_per_class: Annotated[int, typer.Option(min=1, help="Different objects of a class.")] = 8,
    simulator: Annotated[str, typer.Option(help="What renders: torch, or mitsuba (slower, truer).")] = "torch",
    seed: Annotated[int, typer.Option(min=0, help="Of the rendered images.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Classes to render at a time; by default a core each.")
    ] = None,
    most_per_class: _MostPerClass = 0,
    device: _Device = "cpu",
    skip_corrupt: _SkipCorrupt = False,
) -> None:
    """Choose the simulation parameters of the pretraining data that suits your images, in one shot.

    A killed rendering goes on where it was when the command is given again.
    """
    import joblib

    from ndslib.core.files import sha256_file
    from ndslib.task2sim import one_shot
    from ndslib.task2sim.policy import Policy
    from ndslib.task2sim.rendering import PictureFolder, setting_for

    if render is not None and render[1].resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{render[1]} lies in {folder}, where it would count as one of your classes; give another place"
        )
    trained = Policy.load(policy)
    recipe = one_shot.recipe_of(trained, policy)
    about = {"task": folder.absolute().name, "policy": sha256_file(policy)[:16]}
    if render is not None:  # first, as what is wrong with it should not come after minutes of Task2Vec
        engine = _simulator(simulator, size, meshes_per_class, device, trained)
        pictures = PictureFolder(engine, render[0], classes, size, seed)
        pictures.check(render[1], about)
    found = one_shot.predict(trained, _read(folder, recipe.size, most_per_class, skip_corrupt), device)
    if as_json:
        typer.echo(json.dumps(about | found.as_json(), indent=2))
    else:
        _print_prediction(found)
    if render is not None:
        setting = setting_for(engine, found.parameters, found.levels)
        place = pictures.render(setting, render[1], about, workers or joblib.cpu_count())
        Console(stderr=as_json).print(
            f"{len(pictures.class_ids)} classes of {render[0]} images in {escape(str(place))}. Next: pretrain a "
            "network on them (torchvision.datasets.ImageFolder reads them), then fine-tune it on your images",
            soft_wrap=True,
            highlight=False,
        )


def task2vec(
    folders: Annotated[list[Path], typer.Argument(metavar="DATA_DIR...", help="A task each: a folder a class.")],
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="Where the vectors go; more are added to it.")],
    probe: Annotated[
        str,
        typer.Option(
            help="Probe network: pretrained (a small one, trained here at first use), imagenet (the paper's ResNet-18) "
            "or the weights of an ndslib ResNet18 (.safetensors)."
        ),
    ] = PRETRAINED,
    size: Annotated[
        int | None, typer.Option(min=8, help="Side in pixels to look at; by default 224 for imagenet, else 32.")
    ] = None,
    method: Annotated[str, typer.Option(help="montecarlo or variational.")] = "montecarlo",
    samples: Annotated[int, typer.Option(min=1, help="Images drawn for an estimate.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    most_per_class: _MostPerClass = 0,
    device: _Device = "cpu",
    skip_corrupt: _SkipCorrupt = False,
) -> None:
    """Compute the Task2Vec of tasks, each named as its folder, for `ndslib task2sim train`."""
    from ndslib.core.progress import track
    from ndslib.data.fetching.disk import check_writable
    from ndslib.task2sim.vectors import Recipe, TaskVectors

    _check_names(folders)
    check_writable(out)
    side = size or SIZES.get(probe, SIZES[PRETRAINED])
    recipe = Recipe(_probe(probe), side, method, {"samples": samples, "seed": seed})
    if out.exists():  # first, as vectors of another recipe should not be refused after minutes of Task2Vec
        stored = TaskVectors.load(out)
        stored.joined(replace(stored, recipe=recipe))
    for folder in track(folders, "Task2Vec"):
        vector = recipe.vector(_read(folder, side, most_per_class, skip_corrupt), device)
        vectors = TaskVectors((folder.absolute().name,), vector[None], recipe)
        vectors = TaskVectors.load(out).joined(vectors) if out.exists() else vectors
        vectors.save(out)  # after each, so that a killed run leaves those it made
    console.print(f"{len(vectors)} task vectors in {out}: {', '.join(map(escape, vectors.names))}", soft_wrap=True)


def train(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE.csv", help="Columns task, a simulation parameter each, reward.")
    ],
    vectors: Annotated[Path, typer.Argument(metavar="VECTORS.npz", help="Of `ndslib task2sim task2vec`.")],
    out: Annotated[Path, typer.Option(metavar="FILE.safetensors", help="Where the policy goes.")],
    improved: Annotated[
        bool, typer.Option("--improved", help="Train it in our way, and not as the paper does.")
    ] = False,
    members: Annotated[int, typer.Option(min=1, help="Policies from different seeds whose answers are averaged.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    made_by: Annotated[
        str | None,
        typer.Option(
            metavar="NETWORK",
            help="For vectors that do not say how they were made, as the authors': take them as made with the ImageNet "
            "network of torchvision of this name (theirs: resnet18). New tasks' vectors are then made with it; how "
            "well they fit is not known, as the authors' estimate treats batch norms otherwise.",
        ),
    ] = None,
) -> None:
    """Train a policy on the rewards of all settings for some tasks, as `RewardTable` reads them."""
    from ndslib.data.fetching.disk import check_writable
    from ndslib.task2sim.policy import Policy
    from ndslib.task2sim.rewards import RewardTable
    from ndslib.task2sim.vectors import Recipe, TaskVectors

    rewards, stored = RewardTable.from_csv(table), TaskVectors.load(vectors)
    if made_by is not None and stored.recipe is not None:
        raise InputError(f"{vectors}: the file says how its vectors were made; leave --made-by out")
    recipe = stored.recipe if made_by is None else Recipe(made_by, SIZES["imagenet"])
    seen = TaskVectors(stored.names, stored.values, recipe).of(rewards.tasks)
    check_writable(out)
    make = Policy.improved if improved else Policy
    trained = make(members=members, seed=seed).fit(seen, rewards, "training the policy")
    trained.save(out)
    _print_rewards(trained, rewards)
    console.print(f"the policy is in {out}", soft_wrap=True)
    if recipe is None:
        console.print(
            f"{vectors} does not say how its vectors were made: see --made-by before `predict`", soft_wrap=True
        )


def _check_names(folders: list[Path]) -> None:
    """Refuse (InputError) folders of one name, as one task's vector would replace the other's."""
    first: dict[str, Path] = {}
    for folder in folders:
        twin = first.setdefault(folder.absolute().name, folder)
        if twin is not folder:
            raise InputError(
                f"{twin} and {folder}: both tasks would be named {folder.absolute().name!r}, as their folders are; "
                "rename one, or give a link to it that has another name"
            )


def _read(folder: Path, size: int, most_per_class: int, skip_corrupt: bool) -> "Labelled":
    """The images of a task, and a line for each that is left out."""
    from ndslib.task2sim.one_shot import read_images

    with warnings.catch_warnings(record=True) as left_out:
        warnings.simplefilter("always", UserWarning)
        images = read_images(folder, size, most_per_class, "skip" if skip_corrupt else "raise")
    for each in left_out:
        Console(stderr=True).print(f"[yellow]warning:[/] {escape(str(each.message))}", soft_wrap=True, highlight=False)
    return images


def _probe(name: str) -> "ResNet18 | str":
    from ndslib.task2sim.experiments import Settings
    from ndslib.task2sim.vectors import probe_of_file

    if name == "imagenet":
        return "resnet18"
    return Settings().probe_network() if name == PRETRAINED else probe_of_file(name)


def _simulator(name: str, size: int, meshes_per_class: int, device: str, policy: "Policy") -> "Simulator":
    """What renders, if it has the parameters that the policy chooses."""
    from ndslib.sim import MitsubaSimulator, ProceduralLibrary, TorchSimulator
    from ndslib.task2sim.rendering import setting_for

    if name not in ("torch", "mitsuba"):
        raise InputError(f"--simulator is {name!r}; choose torch or mitsuba")
    library = ProceduralLibrary(meshes_per_class=meshes_per_class)
    engine = TorchSimulator(size, device, library) if name == "torch" else MitsubaSimulator(size, library)
    setting_for(engine, policy.parameters, [0] * len(policy.parameters))
    return engine


def _print_prediction(found: "Prediction") -> None:
    most = max(each.levels for each in found.parameters)
    names = _LEVELS.get(most) or tuple(f"level {level}" for level in range(most))
    table = new_table("parameter", "choice", *(f"P({name})" for name in names))
    for each, level, row in zip(found.parameters, found.levels, found.probabilities, strict=True):
        table.add_row(escape(each.name), names[level], *(f"{value:.3f}" for value in row[: each.levels]))
    console.print(table)
    near = new_table("closest seen tasks", "distance")
    for name, distance in found.closest:
        near.add_row(escape(name), f"{distance:.3f}")
    console.print()
    console.print(near)


def _print_rewards(policy: "Policy", rewards: "RewardTable") -> None:
    import numpy as np

    reached = rewards(np.arange(len(rewards.tasks)), policy.predict(policy.seen))
    table = new_table("seen task", "its setting's reward", "mean of all settings", "best setting")
    columns = (reached, rewards.flat.mean(axis=1), rewards.flat.max(axis=1))
    for name, *values in zip(rewards.tasks, *columns, strict=True):
        table.add_row(escape(name), *(f"{value:.2f}" for value in values))
    table.add_row("mean", *(f"{column.mean():.2f}" for column in columns))
    console.print(table)
