"""Every notebook keeps the contract of CONTRIBUTING.md, and every check can fail."""

import ast
import copy
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import nbformat
import papermill
import pytest

from ndslib.core import notebooks, presets
from ndslib.core.errors import InputError
from ndslib.core.notebooks import Notebook, is_skipped, tags
from ndslib.data import reported

ROOT = Path(__file__).parents[2]
KEYS = [
    f.relative_to(ROOT / "notebooks").with_suffix("").as_posix() for f in sorted(ROOT.glob("notebooks/**/[!.]*.ipynb"))
]
LINES, DEFINITION_LINES, BYTES, WINDOW = 30, 8, 1_000_000, 4
WIDGET_TAGS = {"nbval-skip", "skip-execution"}


def first_cell(notebook: Notebook) -> Iterator[str]:
    cell = notebook.cells[0]
    if cell["cell_type"] != "markdown" or not cell["source"].startswith(f"# {notebook.title}\n"):
        yield f"the first cell is not Markdown with the title {notebook.title!r}"
    for part in ("**Sources**", "**Ledger rows**", "**Time**", "**You will learn**"):
        if part not in cell["source"]:
            yield f"the first cell does not say {part}"
    for word in (*notebook.ledger, *notebook.seconds):
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", cell["source"]):
            yield f"the first cell does not name {word}"


def metadata(notebook: Notebook) -> Iterator[str]:
    """Ledger ids exist and name this notebook; every preset has an expected time."""
    rows = reported.ledger().set_index("id")["notebook"]
    number = f"{notebook.chapter}/{notebook.name.partition('_')[0]}"
    for ledger_id in notebook.ledger:
        if ledger_id not in rows:
            yield f"ledger id {ledger_id} is not in ledger.csv"
        elif number not in rows[ledger_id].split(", "):
            yield f"ledger.csv gives {ledger_id} to {rows[ledger_id]}, not to {number}"
    if set(notebook.seconds) != set(presets.names(notebook)):
        yield f"expected times for {sorted(notebook.seconds)}, presets {presets.names(notebook)}"


def parameters_cell(notebook: Notebook) -> Iterator[str]:
    found = presets.parameters(notebook)
    for parameter in found.values():
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", parameter.name):
            yield f"parameter {parameter.name} is not UPPER_CASE"
        if not parameter.comment:
            yield f"parameter {parameter.name} has no comment"
    if "PRESET" not in found or found["PRESET"].value != presets.SMOKE:
        yield "there is no parameter PRESET = 'smoke'"
    if list(papermill.inspect_notebook(notebook.path)) != list(found):
        yield "papermill reads other parameters: a comment holds an equals sign"


def preset_files(notebook: Notebook) -> Iterator[str]:
    wanted = set() if notebook.key == "template" else {"laptop", "gpu", "paper"}
    for preset in sorted(wanted - set(presets.names(notebook))):
        yield f"there is no preset {preset}"
    for preset in presets.names(notebook):
        if presets.resolve(notebook, preset)["PRESET"] != preset:
            yield f"the preset {preset} does not set PRESET, so plain papermill would record another"


def outputs(notebook: Notebook) -> Iterator[str]:
    counts = [cell.get("execution_count") for cell in notebook.code_cells]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}: run `ndslib refresh {notebook.key}`"
    stored = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    if not stored:
        yield "no outputs are stored"
    if any(output["output_type"] == "error" for output in stored):
        yield "a stored output is an error"
    if any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in stored):
        yield "a widget is stored as an output"
    if not {"kernelspec", "language_info", "ndslib"} >= set(json.loads(notebook.path.read_text())["metadata"]):
        yield "the notebook's metadata holds more than kernelspec, language_info and ndslib (widget state?)"
    if notebook.path.stat().st_size > BYTES:
        yield f"{notebook.path.stat().st_size} bytes, over {BYTES}"


def code_cells(notebook: Notebook) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells):
        if cell["cell_type"] != "code":
            continue
        source = cell["source"]
        if len(source.splitlines()) > LINES:
            yield f"cell {number} has {len(source.splitlines())} lines"
        is_widget = bool(re.search(r"\bipywidgets\b|\binteract\(|\w[wW]idget\(", source))
        if (is_widget or WIDGET_TAGS & set(tags(cell))) and not set(tags(cell)) >= WIDGET_TAGS:
            yield f"cell {number}: widgets stand in cells tagged {' and '.join(sorted(WIDGET_TAGS))}"
        if is_skipped(cell) and cell["outputs"]:
            yield f"cell {number} is skipped but has outputs"
        yield from (f"cell {number}: {problem}" for problem in library_code(source))


def markdown_cells(notebook: Notebook) -> Iterator[str]:
    """LaTeX commands have one backslash; with two, a line break and the command's name are shown."""
    for number, cell in enumerate(notebook.cells):
        if cell["cell_type"] == "markdown":
            for found in re.findall(r"\\\\[A-Za-z]+", cell["source"]):
                yield f"cell {number}: {found} has a doubled backslash"


def library_code(source: str) -> Iterator[str]:
    """Definitions that belong in the library, and lines copied from it."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"not plain Python ({error})"
        return
    for node in ast.walk(tree):
        is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if is_definition and node.end_lineno - node.lineno + 1 > DEFINITION_LINES:
            yield f"{node.name} is longer than {DEFINITION_LINES} lines; it belongs in ndslib"
    for window in windows(source):
        if file := library_windows().get(window):
            yield f"copied from {file}: {' / '.join(window)}"


def windows(source: str) -> Iterator[tuple[str, ...]]:
    """Runs of consecutive statements' lines, without imports, comments, blank lines and indentation."""
    lines = [line.strip() for line in source.splitlines()]
    lines = [line for line in lines if len(line) > 3 and not re.match(r"#|import |from |\"\"\"", line)]
    yield from (tuple(lines[start : start + WINDOW]) for start in range(len(lines) - WINDOW + 1))


@cache
def library_windows() -> dict[tuple[str, ...], str]:
    files = sorted((ROOT / "ndslib").rglob("*.py"))
    return {window: str(file.relative_to(ROOT)) for file in files for window in windows(file.read_text())}


CHECKS = (first_cell, metadata, parameters_cell, preset_files, outputs, code_cells, markdown_cells)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("key", KEYS)
def test_notebook(key: str, check: Callable[[Notebook], Iterator[str]]) -> None:
    assert list(check(notebooks.load(key))) == []


@pytest.mark.parametrize("key", KEYS)
def test_notebook_is_valid(key: str) -> None:
    content = nbformat.read(ROOT / "notebooks" / f"{key}.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(content)
    assert content.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in content.cells}) == len(content.cells)


def test_there_are_notebooks() -> None:
    assert "template" in KEYS


def test_every_preset_has_its_notebook() -> None:
    for file in ROOT.glob("notebooks/**/presets/*"):
        assert re.fullmatch(r"\w+\.\w+\.yaml", file.name), file
        assert (file.parents[1] / f"{file.name.split('.')[0]}.ipynb").is_file(), f"{file} belongs to no notebook"


# Each check against a copy of the template with one fault.


def code(source: str, *names: str) -> dict:
    return {
        "cell_type": "code",
        "id": "new",
        "source": source,
        "metadata": {"tags": list(names)},
        "outputs": [],
        "execution_count": None,
    }


def markdown(source: str) -> dict:
    return {"cell_type": "markdown", "id": "text", "source": source, "metadata": {}}


def edit(cell: int, old: str, new: str) -> Callable[[dict], None]:
    def change(content: dict) -> None:
        source = "".join(content["cells"][cell]["source"])
        assert old in source
        content["cells"][cell]["source"] = source.replace(old, new)

    return change


def about(**values: object) -> Callable[[dict], None]:
    return lambda content: content["metadata"]["ndslib"].update(values)


def append(*cells: dict) -> Callable[[dict], None]:
    return lambda content: content["cells"].extend(cells)


def store(output: dict) -> Callable[[dict], None]:
    return lambda content: content["cells"][3]["outputs"].append(output)


COPIED = inspect.getsource(presets.names)
LONG = "def f(x):\n" + "    x += 1\n" * 8 + "    return x"
IMAGE = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * BYTES}}
WIDGET = {"output_type": "display_data", "metadata": {}, "data": {"application/vnd.jupyter.widget-view+json": {}}}
ERROR = {"output_type": "error", "ename": "E", "evalue": "e", "traceback": []}
FAULTS = [
    (first_cell, edit(0, "**Sources**", "Sources"), r"does not say \*\*Sources"),
    (first_cell, edit(0, "smoke", "quick"), "does not name smoke"),
    (first_cell, about(title="Another"), "title 'Another'"),
    (first_cell, about(ledger=["nds-t44"]), "does not name nds-t44"),
    (metadata, about(ledger=["nds-t44"]), "nds-t44 is not in ledger.csv"),
    (metadata, about(ledger=["nds-t4"]), "gives nds-t4 to nds/03"),
    (metadata, about(seconds={"smoke": 5, "laptop": 60}), "expected times for"),
    (parameters_cell, edit(2, "SEED = 0", "seed = 0"), "seed is not UPPER_CASE"),
    (parameters_cell, edit(2, "# of everything random", ""), "SEED has no comment"),
    (parameters_cell, edit(2, '"smoke"', '"laptop"'), "no parameter PRESET"),
    (parameters_cell, edit(2, "of everything", "a = b"), "papermill reads other parameters"),
    (outputs, lambda content: content["cells"][2].update(execution_count=4), "execution counts are"),
    (outputs, append(code("print(1)")), "execution counts are"),
    (
        outputs,
        lambda content: [cell.update(outputs=[]) for cell in content["cells"] if "outputs" in cell],
        "no outputs",
    ),
    (outputs, store(ERROR), "is an error"),
    (outputs, store(WIDGET), "widget is stored"),
    (outputs, store(IMAGE), "over 1000000"),
    (outputs, lambda content: content["metadata"].update(widgets={}), "widget state"),
    (code_cells, append(code("x = 1\n" * 31)), "has 31 lines"),
    (code_cells, append(code("from ipywidgets import interact")), "widgets stand in cells tagged"),
    (code_cells, append(code("x", "nbval-skip")), "widgets stand in cells tagged"),
    (code_cells, append(code("x", *WIDGET_TAGS) | {"outputs": [ERROR]}), "skipped but has outputs"),
    (code_cells, append(code("%matplotlib inline")), "not plain Python"),
    (code_cells, append(code(LONG)), "f is longer than 8 lines"),
    (code_cells, append(code("class A:\n" + textwrap.indent(LONG, "    "))), "A is longer than 8 lines"),
    (code_cells, append(code(COPIED)), "copied from ndslib/core/presets.py"),
    (markdown_cells, append(markdown(r"weight $\\pi(x)$")), r"\\\\pi has a doubled backslash"),
]


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[dict], None]], Notebook]:
    """A function that writes the changed template into a root of its own and loads it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data_manifests").symlink_to(ROOT / "data_manifests")
    monkeypatch.setenv("NDSLIB_ROOT", str(tmp_path))
    original = json.loads((ROOT / "notebooks" / "template.ipynb").read_text())

    def write(change: Callable[[dict], None]) -> Notebook:
        content = copy.deepcopy(original)
        change(content)
        (tmp_path / "notebooks" / "template.ipynb").write_text(json.dumps(content))
        return notebooks.load("template")

    return write


@pytest.mark.parametrize(("check", "change", "message"), FAULTS)
def test_the_checks_see_a_fault(template, check, change, message) -> None:
    problems = "\n".join(check(template(change)))
    assert re.search(message, problems), problems


def test_one_backslash_and_a_line_break_are_no_fault(template) -> None:
    text = "$\\pi$ and $$a \\\\\n b \\\\ [2pt] c$$"
    assert list(markdown_cells(template(append(markdown(text))))) == []


@pytest.mark.parametrize("text", ["SEED: 3", "PRESET: laptop\nSEEED: 3", "PRESET: laptop\nSEED: many"])
def test_the_checks_see_a_wrong_preset(template, tmp_path, text) -> None:
    (tmp_path / "notebooks" / "presets").mkdir()
    (tmp_path / "notebooks" / "presets" / "template.laptop.yaml").write_text(text)
    notebook = template(lambda content: None)
    if "PRESET" in text:
        with pytest.raises(InputError, match=r"template\.laptop\.yaml"):
            list(preset_files(notebook))
    else:
        assert "does not set PRESET" in "\n".join(preset_files(notebook))


def test_a_chapter_notebook_needs_three_presets(template, tmp_path) -> None:
    template(lambda content: None).path.rename(tmp_path / "notebooks" / "01_other.ipynb")
    found = list(preset_files(notebooks.load("01_other")))
    assert found == ["there is no preset gpu", "there is no preset laptop", "there is no preset paper"]
