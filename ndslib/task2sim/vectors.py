"""Task vectors that say how they were made, so that a new task's vector can be made alike."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models

from ndslib.core.errors import InputError
from ndslib.core.features import fingerprint
from ndslib.core.files import atomic_path
from ndslib.core.models import ResNet18
from ndslib.data.labelled import Labelled
from ndslib.task2sim.embedding import VERSION
from ndslib.task2sim.probe import ImagenetProbe
from ndslib.task2sim.task2vec import task2vec

RECIPE, PROBE = ":recipe", ":probe."  # names in an .npz that are not tasks'
STEMS = {3: "cifar", 7: "imagenet"}  # by the side of the first convolution


@dataclass(frozen=True)
class Recipe:
    """How task vectors are made: vectors of one recipe can be compared, and a policy understands those of its own.

    Attributes:
        probe: a network, or the name of a torchvision classifier with its ImageNet weights, looked up when needed.
        size: side in pixels of the images that are looked at.
        method: of `task2vec`.
        options: further arguments of `task2vec`: samples, head_epochs, batch_size, seed, beta, epochs.

    Raises:
        InputError: another kind of probe.
    """

    probe: ResNet18 | str
    size: int
    method: str = "montecarlo"
    options: Mapping[str, int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.probe, str):
            if self.probe not in models.list_models(module=models):
                raise InputError(f"torchvision has no classifier {self.probe!r}; the paper's probe is resnet18")
        elif not isinstance(self.probe, ResNet18):
            raise InputError(
                f"the probe is a {type(self.probe).__name__}; a recipe can keep a ResNet18, or the name of a network "
                "of torchvision"
            )

    @property
    def description(self) -> dict[str, object]:
        """All that a vector depends on besides the images, as JSON; a network by its fingerprint."""
        if isinstance(self.probe, str):
            probe = {"name": self.probe, "weights": str(models.get_model_weights(self.probe).DEFAULT)}
        else:
            probe = {"fingerprint": fingerprint(self.probe)}
        return {
            "probe": probe,
            "size": self.size,
            "method": self.method,
            "options": dict(self.options),
            "version": VERSION,
        }

    @classmethod
    def restored(cls, description: Mapping[str, object], weights: Mapping[str, Tensor], source: Path | str) -> "Recipe":
        """The recipe of a description and, unless the probe goes by a name, the probe's weights.

        Raises:
            InputError: this version of ndslib or torchvision would make other vectors, or the weights were changed.
        """
        stored = description["probe"]
        probe = stored["name"] if "name" in stored else resnet18_of(weights, str(source))
        recipe = cls(probe, description["size"], description["method"], description["options"])
        if recipe.description != description:
            raise InputError(
                f"{source}: its task vectors were made with {description}, which here would be {recipe.description}: "
                "compute the vectors again and train the policy on them"
            )
        return recipe

    def vector(self, dataset: Labelled, device: str = "cpu") -> np.ndarray:
        """Task2Vec of a task, float32 [D].

        Raises:
            InputError: images of another size, or what `task2vec` or the lookup of the ImageNet weights refuses.
        """
        if dataset.images.shape[-1] != self.size:
            raise InputError(
                f"the images are {dataset.images.shape[-1]} pixels wide; this probe looks at {self.size}: decode them "
                "at that size"
            )
        probe = ImagenetProbe(self.probe, self.size) if isinstance(self.probe, str) else self.probe
        return task2vec(probe, dataset, self.method, device=device, **self.options)


@dataclass(frozen=True)
class TaskVectors:
    """The vectors of some tasks; stands wherever an array [N, D] of them is asked for.

    Attributes:
        names: of the tasks.
        values: float32 [N, D].
        recipe: how they were made; None if that is not known, as of the authors' file.

    Raises:
        InputError: no tasks, one that is named twice or not at all, or values that are not [N, D].
    """

    names: tuple[str, ...]
    values: np.ndarray = field(repr=False)
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names) or "" in self.names:
            raise InputError(f"tasks are {list(self.names)}: name at least one, and each only once")
        if self.values.ndim != 2 or len(self.values) != len(self.names):
            raise InputError(f"vectors have the shape {self.values.shape} for {len(self.names)} tasks: give one a task")

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.names)

    def of(self, names: Sequence[str]) -> "TaskVectors":
        """The vectors of some tasks, in this order.

        Raises:
            InputError: a task that has none.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise InputError(f"no task vectors of {missing}; there are those of {list(self.names)}")
        places = [self.names.index(name) for name in names]
        return TaskVectors(tuple(names), self.values[places], self.recipe)

    def check_order(self, names: Sequence[str]) -> None:
        """Refuse (InputError) vectors of other tasks than `names`, or in another order."""
        if tuple(names) != self.names:
            raise InputError(
                f"vectors of the tasks {list(self.names)} for rewards of {list(names)}: `TaskVectors.of(table.tasks)` "
                "puts them in the table's order"
            )

    def joined(self, new: "TaskVectors") -> "TaskVectors":
        """These and further tasks; a new vector replaces the one of the same name.

        Raises:
            InputError: they were not made alike, or are of another length.
        """
        recipes = [vectors.recipe and vectors.recipe.description for vectors in (self, new)]
        if recipes[0] != recipes[1]:
            raise InputError(
                f"the vectors were made differently and cannot be compared: {recipes[0]} and {recipes[1]}; give "
                "another file"
            )
        if self.values.shape[1] != new.values.shape[1]:
            raise InputError(
                f"vectors of {self.values.shape[1]} and of {new.values.shape[1]} values cannot be compared: compute "
                "all with one probe"
            )
        vectors = dict(zip(self.names, self.values, strict=True)) | dict(zip(new.names, new.values, strict=True))
        return TaskVectors(tuple(vectors), np.stack(list(vectors.values())), self.recipe)

    def as_module(self) -> nn.Module:
        """The arrays as weights to be stored: the buffer `vectors` and the network `probe`, if there is one."""
        module = nn.ModuleDict({"probe": self.recipe.probe} if self._has_network else {})
        module.register_buffer("vectors", torch.tensor(self.values))
        return module

    @property
    def description(self) -> dict[str, object]:
        """What `as_module` does not hold, as JSON."""
        return {"names": list(self.names), "recipe": self.recipe and self.recipe.description}

    @classmethod
    def restored(cls, description: Mapping[str, object], state: Mapping[str, Tensor], source: Path) -> "TaskVectors":
        """The vectors of `description` and the state of `as_module`.

        Raises:
            InputError: as `Recipe.restored`.
        """
        recipe = description["recipe"] and Recipe.restored(description["recipe"], below(state, "probe."), source)
        return cls(tuple(description["names"]), state["vectors"].numpy(), recipe)

    def save(self, path: Path | str) -> None:
        """Write an .npz, atomically: a vector a task by name, and how they were made.

        Raises:
            InputError: a task's name starts with a colon.
        """
        odd = [name for name in self.names if name.startswith(":")]
        if odd:
            raise InputError(f"task {odd[0]!r}: a task's name must not start with a colon")
        arrays = dict(zip(self.names, self.values, strict=True))
        if self.recipe is not None:
            arrays[RECIPE] = np.array(json.dumps(self.recipe.description, sort_keys=True))
        if self._has_network:
            arrays |= {PROBE + name: value.numpy() for name, value in self.recipe.probe.cpu().state_dict().items()}
        # Not by numpy.savez, which takes names as its own arguments': a task may be called "file".
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)

    @classmethod
    def load(cls, path: Path | str) -> "TaskVectors":
        """Read an .npz with a vector a task by name: one that `save` wrote, or the authors'.

        Raises:
            InputError: the file is absent, damaged or holds something else, or as `Recipe.restored`.
        """
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:  # TypeError: a single array
            raise InputError(
                f"{path}: not a readable .npz of task vectors ({error}); see `task2sim task2vec`"
            ) from error
        vectors = {name: array for name, array in arrays.items() if not name.startswith(":")}
        if texts := [name for name, array in vectors.items() if array.dtype.kind not in "biuf"]:
            raise InputError(f"{path}: {texts[0]!r} is {vectors[texts[0]].dtype}; wanted a vector of numbers a task")
        shapes = {array.shape for array in vectors.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise InputError(
                f"{path}: arrays of the shapes {sorted(shapes)}; wanted one vector a task, all of one length"
            )
        recipe = _stored_recipe(arrays, path) if RECIPE in arrays else None
        return cls(tuple(vectors), np.stack(list(vectors.values())).astype(np.float32), recipe)

    @property
    def _has_network(self) -> bool:
        return self.recipe is not None and not isinstance(self.recipe.probe, str)


def _stored_recipe(arrays: Mapping[str, np.ndarray], path: Path | str) -> Recipe:
    try:
        weights = {name: torch.from_numpy(array) for name, array in below(arrays, PROBE).items()}
        return Recipe.restored(json.loads(str(arrays[RECIPE])), weights, path)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: its entry {RECIPE!r} is damaged ({error!r}); make the file again with `task2sim task2vec`"
        ) from error


def probe_of_file(path: Path | str) -> ResNet18:
    """A probe network from the weights of a `core.models.ResNet18` of any width (safetensors), as chapters save them.

    Raises:
        InputError: the file is absent or damaged, or holds another network.
    """
    try:
        return resnet18_of(load_file(path), str(path))
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path}: not a readable safetensors file ({error}); give the weights of a ResNet18"
        ) from error


def resnet18_of(weights: Mapping[str, Tensor], source: str) -> ResNet18:
    """The network of some weights, in evaluation mode.

    Raises:
        InputError: they are not those of a `core.models.ResNet18`.
    """
    try:
        width, _, _, side = weights["conv1.weight"].shape
        network = ResNet18(len(weights["fc.weight"]), width, STEMS[side])
        network.load_state_dict(weights)
    except (KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{source}: not the weights of an ndslib.core.models.ResNet18 ({error})") from error
    return network.eval()


def below(state: Mapping[str, object], prefix: str) -> dict[str, object]:
    """The entries whose name starts with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
