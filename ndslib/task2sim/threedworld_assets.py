"""What ThreeDWorld can show: the records of its models, materials and skyboxes, as its package `tdw` has them."""

import importlib.util
import json
from pathlib import Path

from ndslib.core.errors import InputError
from ndslib.task2sim.scenes import Picture

MODELS = "models_core.json"
SKYBOX = "fish_hoek_beach_4k"  # of a fixed background
SUN_ELEVATION = 120  # degrees, in TDW's count: the authors took skyboxes with the sun as high, outdoors


class Assets:
    """TDW's records of the models, materials and skyboxes that the build can load.

    Args:
        records: the folder of TDW's records; None looks for that of the installed package `tdw`.
        models: the file of the models: `models_core.json`, free to load, or `models_full.json`.
        materials: a text file with a material's name a line; None takes all low-resolution ones.

    Raises:
        InputError: there is no such folder or file, it is not one of TDW's, or a material is not in the records.
    """

    def __init__(self, records: Path | None = None, models: str = MODELS, materials: Path | None = None) -> None:
        folder = _installed_records() if records is None else records
        self.models: dict[str, list[dict]] = {}
        for model in _records(folder / models).values():
            if not model["do_not_use"]:
                self.models.setdefault(model["wnid"], []).append(model)
        self.materials = list(_chosen(_records(folder / "materials_low.json"), materials).values())
        self.skyboxes = _records(folder / "hdri_skyboxes.json")
        self.outdoors = [
            record
            for record in self.skyboxes.values()
            if record["location"] != "interior" and record["sun_elevation"] >= SUN_ELEVATION
        ]

    @property
    def classes(self) -> tuple[str, ...]:
        """The object classes: WordNet ids."""
        return tuple(sorted(self.models))

    def model(self, picture: Picture) -> dict:
        """The record of the model that a picture shows.

        Raises:
            InputError: the picture's class has no model.
        """
        if picture["class"] not in self.models:
            raise InputError(
                f"class {picture['class']!r}: TDW's records have no model of it; `Assets.classes` lists all"
            )
        return pick(self.models[picture["class"]], picture["mesh"])

    def skybox(self, picture: Picture) -> dict:
        """The record of a picture's background."""
        background = picture["background"]
        return self.skyboxes[SKYBOX] if background is None else pick(self.outdoors, background["choice"])


def pick(records: list[dict], choice: float) -> dict:
    """The record that a number in [0, 1) chooses."""
    return records[int(choice * len(records))]


def _installed_records() -> Path:
    package = importlib.util.find_spec("tdw")
    if package is None:
        raise InputError(
            "TDW's records are not here: pip install tdw, or give --records the folder metadata_libraries of its source"
        )
    return Path(str(package.origin)).parent / "metadata_libraries"


def _records(path: Path) -> dict[str, dict]:
    try:
        return json.loads(path.read_text())["records"]
    except OSError as error:
        raise InputError(f"{path}: TDW's records cannot be read ({error.strerror}); pip install tdw") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a file of TDW's records ({error!r}); pip install tdw") from error


def _chosen(records: dict[str, dict], names: Path | None) -> dict[str, dict]:
    """The records that a file lists."""
    if names is None:
        return records
    try:
        wanted = names.read_text().split()
    except OSError as error:
        raise InputError(f"{names}: the list of materials cannot be read ({error.strerror})") from error
    if unknown := sorted(set(wanted) - set(records)):
        raise InputError(f"{names}: TDW has no material {unknown[0]!r} ({len(unknown)} such names); remove it")
    return {name: records[name] for name in wanted}
