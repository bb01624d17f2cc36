"""The notebooks as the library sees them: where they are, what they are about, how long they take."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ndslib.core import paths
from ndslib.core.errors import InputError

PRESETS = ("smoke", "laptop", "gpu", "paper")  # from the cheapest to the source's own


@dataclass(frozen=True)
class Notebook:
    """One notebook below `notebooks/`.

    Attributes:
        path: the file.
        key: its name without folder `notebooks/` and suffix, "nds/03_transfer" or "00_start_here".
        title: from its metadata.
        ledger: ids of the ledger rows that it regenerates.
        seconds: expected seconds by preset.
        cells: the cells as nbformat 4 dictionaries, `source` always one string.
    """

    path: Path
    key: str
    title: str
    ledger: tuple[str, ...]
    seconds: dict[str, float]
    cells: list[dict[str, Any]] = field(repr=False)

    @property
    def chapter(self) -> str:
        """Its folder, "nds"; empty for the notebooks that stand directly in `notebooks/`."""
        return self.key.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The file's name without suffix, "03_transfer"."""
        return self.path.stem

    @cached_property
    def code_cells(self) -> list[dict[str, Any]]:
        """The cells that a run executes, in order: code, not empty, not tagged `skip-execution`."""
        return [c for c in self.cells if c["cell_type"] == "code" and c["source"].strip() and not is_skipped(c)]


def is_skipped(cell: dict[str, Any]) -> bool:
    """Whether execution passes over this cell (widgets, which only a person can use)."""
    return "skip-execution" in tags(cell)


def tags(cell: dict[str, Any]) -> list[str]:
    """The tags of a cell."""
    return cell.get("metadata", {}).get("tags", [])


def keys() -> list[str]:
    """The keys of all notebooks, the top folder's first, then by chapter and number."""
    root = paths.notebooks_root()
    files = (f for f in root.rglob("*.ipynb") if not any(part.startswith(".") for part in f.relative_to(root).parts))
    found = [f.relative_to(root).with_suffix("").as_posix() for f in files]
    return sorted(found, key=lambda key: ("/" in key, key))


def load_all() -> list[Notebook]:
    """Every notebook, in the order of `keys`.

    Raises:
        InputError: as `load`.
    """
    return [load(key) for key in keys()]


def index_markdown() -> str:
    """The table of all notebooks for `notebooks/README.md`: chapter, notebook, ledger rows, time per preset."""
    lines = ["| chapter | notebook | ledger rows | time per preset |", "|---|---|---|---|"]
    for each in load_all():
        link = f"[{each.title}]({each.key}.ipynb)"
        times = ", ".join(f"{name} {duration(each.seconds[name])}" for name in PRESETS if name in each.seconds)
        lines.append(f"| {each.chapter or '-'} | {link} | {', '.join(each.ledger) or '-'} | {times} |")
    return "\n".join(lines) + "\n"


def duration(seconds: float) -> str:
    """Seconds for a reader: "45 s", "10 min" or "2.5 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def find(name: str) -> Notebook:
    """The notebook that `name` means: a key, the start of one ("nds/03", "00"), or a path below `notebooks/`.

    Raises:
        InputError: none or several match; the message names the ones there are.
    """
    known = keys()
    wanted = name.removeprefix("./").removeprefix("notebooks/").removesuffix(".ipynb")
    matches = [wanted] if wanted in known else [key for key in known if wanted and key.startswith(wanted)]
    if len(matches) == 1:
        return load(matches[0])
    if matches:
        raise InputError(f"{name!r} means several notebooks: {', '.join(matches)}. Give more of the name")
    raise InputError(f"no notebook {name!r} in {paths.notebooks_root()}; there are: {', '.join(known) or 'none'}")


def load(key: str) -> Notebook:
    """Read the notebook with this exact key.

    Raises:
        InputError: the file is not a notebook of format 4, or its `metadata.ndslib` is absent or not as
            CONTRIBUTING.md says.
    """
    path = paths.notebooks_root() / f"{key}.ipynb"
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable notebook ({error})") from error
    if not isinstance(content, dict) or content.get("nbformat") != 4:
        raise InputError(f"{path}: not a notebook of format 4; save it again with JupyterLab")
    cells = [{**cell, "source": "".join(cell["source"])} for cell in content["cells"]]
    about = content["metadata"].get("ndslib")
    if not _is_well_formed(about):
        raise InputError(
            f"{path}: metadata.ndslib is {about!r}; wanted "
            '{"title": text, "ledger": [ids], "seconds": {preset: number}} (see CONTRIBUTING.md)'
        )
    return Notebook(path, key, about["title"], tuple(about["ledger"]), dict(about["seconds"]), cells)


def _is_well_formed(about: Any) -> bool:
    if not isinstance(about, dict) or set(about) != {"title", "ledger", "seconds"}:
        return False
    texts = [about["title"], *about["ledger"]] if isinstance(about["ledger"], list) else [None]
    seconds = about["seconds"].values() if isinstance(about["seconds"], dict) else [None]
    return all(isinstance(t, str) for t in texts) and all(isinstance(s, int | float) for s in seconds)
