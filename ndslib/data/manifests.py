"""Dataset manifests: what each dataset of the sources holds, what it may be used for, and how to get it.

One YAML file a dataset in `data_manifests/`, checked against `Manifest`. Counts are those that the sources print;
where the provider's differ, the split's `note` says so.
"""

import difflib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data import unpack

Task = Literal["classification", "detection", "instance_segmentation", "semantic_segmentation", "video_segmentation"]
Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Split(_Strict):
    """One split. `images` and `classes` are null where neither source nor provider gives a number.

    A split that is the union of others of the same manifest names them in `parts`.
    """

    images: Count | None
    classes: Count | None = None
    note: str | None = None
    parts: list[str] = []
    loader_args: dict[str, Any] = {}


class DataFile(_Strict):
    """One file of a dataset, at `path` under the dataset's folder.

    `sha256`, `md5` and `bytes` are only what the provider (or torchvision's source) publishes, else null. `extract_to`
    is the folder, relative to the dataset's, that an archive is unpacked into; null leaves it packed. `renames` moves
    files or folders of the archive to where the loader looks for them.
    """

    path: str
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    bytes: Count | None = None
    extract_to: str | None = None
    renames: dict[str, str] = {}

    @field_validator("path", "extract_to")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        if value is not None and (PurePosixPath(value).is_absolute() or ".." in PurePosixPath(value).parts):
            raise ValueError(f"{value!r} leaves the dataset's folder: give a relative path without '..'")
        return value

    @model_validator(mode="after")
    def _unpackable(self) -> "DataFile":
        if self.extract_to is not None and not self.path.lower().endswith(unpack.SUFFIXES):
            raise ValueError(f"{self.path!r} has extract_to but is none of {', '.join(unpack.SUFFIXES)}")
        return self

    @property
    def checksum(self) -> tuple[str, str] | None:
        """(algorithm, hex digest), the strongest one published, or None."""
        for algorithm in ("sha256", "md5"):
            if digest := getattr(self, algorithm):
                return algorithm, digest
        return None


class TableRow(_Strict):
    """The dataset's row in NDS-S Table 3: printed label -> split, and the class sets printed in its `Class` cell."""

    row: Count
    dataset: str
    splits: dict[str, str]
    class_sets: list[str] = []


class Manifest(_Strict):
    """A dataset.

    `access` is "open" (every file has a URL), "login" (an account, a form or a page that only a person can pass:
    `steps` lists them, with DIR for the dataset's folder) or "unavailable" (`reason`). `loader` is the name of a
    function in `ndslib.data.loaders` or "torchvision:ClassName"; `loader_calls` says what it is called with. `task` and
    `metric` are those of NDS-S Table 3 where the dataset is in it. `t2s_tasks` are the names that the authors of
    Task2Sim released their numbers under.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str
    home_page: Annotated[str, Field(pattern=r"^https?://")]
    licence: str
    terms: str
    citation: str
    note: str | None = None
    task: Task
    other_tasks: list[Task] = []
    metric: str | None
    classes: Count | None
    class_sets: dict[str, Count] = {}
    splits: Annotated[dict[str, Split], Field(min_length=1)]
    access: Literal["open", "login", "unavailable"]
    steps: list[str] = []
    reason: str | None = None
    files: list[DataFile] = []
    checksums_from: str | None = None
    loader: str
    loader_args: dict[str, Any] = {}
    stand_in: str
    used_by: Annotated[list[str], Field(min_length=1)]
    t2s_tasks: list[str] = []
    ndss_t3: TableRow | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        problems = {
            "access is 'login': list the exact steps under `steps`": self.access == "login" and not self.steps,
            "access is 'unavailable': say why under `reason`": self.access == "unavailable" and not self.reason,
            "access is 'open': every file needs a url": self.access == "open" and any(not f.url for f in self.files),
            "files have checksums: say under `checksums_from` who publishes them": not self.checksums_from
            and any(f.checksum for f in self.files),
            "two files have the same path": len({f.path for f in self.files}) < len(self.files),
        }
        named = {part for split in self.splits.values() for part in split.parts}
        if self.ndss_t3:
            named |= set(self.ndss_t3.splits.values())
            problems["ndss_t3 names a class set that is not in `class_sets`"] = any(
                name not in self.class_sets for name in self.ndss_t3.class_sets
            )
        problems[f"{sorted(named - set(self.splits))} are not in `splits`"] = not named <= set(self.splits)
        if found := [text for text, wrong in problems.items() if wrong]:
            raise ValueError("; ".join(found))
        return self


def names() -> list[str]:
    """The names of all datasets that have a manifest, sorted."""
    return sorted(path.stem for path in paths.manifests_root().glob("*.yaml"))


def load(name_or_path: str | Path) -> Manifest:
    """Read one manifest, by its name ("cifar10") or by the path of a YAML file.

    Raises:
        InputError: no such dataset, the file is not YAML, a key is unknown or absent, or a value is wrong.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = paths.manifests_root() / f"{name_or_path}.yaml"
    if not path.is_file():
        raise InputError(_unknown(str(name_or_path), path))
    try:
        manifest = Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        raise InputError("\n".join(_say(path, problem) for problem in error.errors())) from error
    if manifest.name != path.stem:
        raise InputError(f"{path}: name is {manifest.name!r} but the file is called {path.stem!r}: make them the same")
    return manifest


def load_all() -> dict[str, Manifest]:
    """All manifests by name, in the order of `names()`."""
    return {name: load(name) for name in names()}


def loader_calls(manifest: Manifest, split: str) -> list[dict[str, Any]]:
    """The keyword arguments with which the manifest's loader reads a split: one call for each of its parts.

    A loader of `ndslib.data.loaders` also gets `dataset`, `split` and `licence`; these and torchvision's classes take
    the dataset's folder as `root`, which the caller adds.

    Raises:
        InputError: the dataset has no such split.
    """
    if split not in manifest.splits:
        raise InputError(f"{manifest.name} has no split {split!r}; its splits are {', '.join(manifest.splits)}")
    own = not manifest.loader.startswith("torchvision:")
    calls = []
    for part in manifest.splits[split].parts or [split]:
        named = {"dataset": manifest.name, "split": part, "licence": manifest.licence} if own else {}
        calls.append(named | manifest.loader_args | manifest.splits[part].loader_args)
    return calls


def summary_table() -> pd.DataFrame:
    """NDS-S Table 3, regenerated: Dataset, Images, Class, Task, Evaluation Metric, as text the way it is printed."""
    listed = sorted((m for m in load_all().values() if m.ndss_t3), key=lambda m: m.ndss_t3.row)
    return pd.DataFrame([_table_row(manifest, manifest.ndss_t3) for manifest in listed])


def _table_row(manifest: Manifest, row: TableRow) -> dict[str, str]:
    images = {label: str(manifest.splits[split].images) for label, split in row.splits.items()}
    sets = [f"{manifest.class_sets[name]}({name})" for name in row.class_sets]
    return {
        "Dataset": row.dataset,
        # A dataset of which only one split is used is printed without the split's name.
        "Images": " / ".join(n if len(images) == 1 else f"{n}({label})" for label, n in images.items()),
        "Class": " / ".join(sets) or str(manifest.classes),
        "Task": manifest.task,
        "Evaluation Metric": manifest.metric or "-",
    }


def _unknown(given: str, path: Path) -> str:
    close = difflib.get_close_matches(given, names(), n=3)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"no manifest {path}: {hint}the datasets are {', '.join(names())}"


_PARTS: dict[str, type[_Strict]] = {"splits": Split, "files": DataFile, "ndss_t3": TableRow}


def _say(path: Path, problem: Any) -> str:
    where = problem["loc"]
    key = ".".join(str(part) for part in where) or "(the whole file)"
    if problem["type"] != "extra_forbidden":
        return f"{path}: {key}: {problem['msg']} (got {problem.get('input')!r:.80})"
    valid = (Manifest if len(where) == 1 else _PARTS[where[0]]).model_fields
    return f"{path}: unknown key {key!r}; the valid keys are {', '.join(valid)}"
