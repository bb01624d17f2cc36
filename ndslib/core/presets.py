"""What a notebook can be run with: the literals of its parameters cell, and the presets beside it.

`smoke` is the notebook's own defaults. Every other preset is a file `presets/NN_name.<preset>.yaml`, a flat mapping of
parameters to values, which plain `papermill -f` reads as well.
"""

import ast
import difflib
import io
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ndslib.core.errors import InputError
from ndslib.core.notebooks import Notebook, tags

Settings = TypeVar("Settings")
SMOKE = "smoke"
_ORDER = (SMOKE, "laptop", "gpu", "paper")


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `NAME = value  # comment`."""

    name: str
    value: Any
    comment: str


def parameters(notebook: Notebook) -> dict[str, Parameter]:
    """The parameters of a notebook with their defaults, in the order of its cell tagged `parameters`.

    Read from the cell's syntax tree and not by `papermill.inspect_notebook`, which loses a line whose comment holds an
    equals sign and gives every default as text.

    Raises:
        InputError: there is not exactly one such cell, or it holds anything but `NAME = literal`.
    """
    cells = [cell for cell in notebook.cells if "parameters" in tags(cell)]
    if len(cells) != 1:
        raise InputError(f"{notebook.path}: {len(cells)} cells are tagged 'parameters'; tag exactly one")
    source = cells[0]["source"]
    comments = _comments(source)
    found = {}
    for statement in ast.parse(source).body:
        name, value = _assignment(statement, notebook.path)
        found[name] = Parameter(name, value, comments.get(statement.end_lineno or 0, ""))
    return found


def defaults(notebook: Notebook) -> dict[str, Any]:
    """The default value of every parameter: what the preset `smoke` runs."""
    return {name: parameter.value for name, parameter in parameters(notebook).items()}


def preset_file(notebook: Notebook, preset: str) -> Path:
    """Where a preset other than `smoke` stands."""
    return notebook.path.parent / "presets" / f"{notebook.name}.{preset}.yaml"


def names(notebook: Notebook) -> list[str]:
    """The presets of a notebook, from the smallest: `smoke`, then those with a file."""
    files = preset_file(notebook, SMOKE).parent.glob(f"{notebook.name}.*.yaml")
    found = {SMOKE} | {file.name.removeprefix(f"{notebook.name}.").removesuffix(".yaml") for file in files}
    return sorted(found, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def load(notebook: Notebook, preset: str) -> dict[str, Any]:
    """The values a preset sets, checked against the notebook's parameters; empty for `smoke`.

    Raises:
        InputError: no such preset, no flat mapping, an unknown parameter or a value of the wrong type.
    """
    if preset not in names(notebook):
        raise InputError(f"{notebook.key} has no preset {preset!r}; it has: {', '.join(names(notebook))}")
    if preset == SMOKE:
        return {}
    file = preset_file(notebook, preset)
    try:
        values = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"{file}: not YAML ({error})") from error
    if not isinstance(values, dict):
        raise InputError(f"{file}: holds {values!r}; wanted lines 'PARAMETER: value'")
    # The run record takes the preset's name from this parameter, and plain papermill only knows what the file says.
    if values.get("PRESET", preset) != preset:
        raise InputError(f"{file}: PRESET is {values['PRESET']!r}; wanted {preset!r}, as the file is called")
    return _check(notebook, values, str(file))


def resolve(notebook: Notebook, preset: str = SMOKE, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every parameter with the value of a run: the defaults, then the preset, then `overrides`.

    Raises:
        InputError: an unknown preset or parameter (the message names the valid ones), a PRESET that is not `preset`, or
            a value whose type is not that of the default. Whole numbers are taken where the default is a float; a
            default of None takes anything.
    """
    given = _check(notebook, overrides or {}, notebook.key)
    # The run record takes the preset's name from this parameter: another one would be a false provenance.
    if given.get("PRESET", preset) != preset:
        raise InputError(
            f"{notebook.key}: PRESET is {given['PRESET']!r} in a run of the preset {preset!r}; leave the parameter out "
            f"and choose the preset itself: --preset {given['PRESET']}"
        )
    return {**defaults(notebook), **load(notebook, preset), **given}


def parse_overrides(notebook: Notebook, texts: Iterable[str]) -> dict[str, Any]:
    """Turn command-line texts "NAME=VALUE" into values: YAML, or the text itself where the default is a text.

    Raises:
        InputError: no equals sign, an unknown parameter, or a value of the wrong type.
    """
    known = defaults(notebook)
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} is not NAME=VALUE")
        try:
            values[name] = value if isinstance(known.get(name), str) else yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"{text!r}: the value is not YAML ({error})") from error
    return _check(notebook, values, notebook.key)


def settings_of(kind: type[Settings], parameters: Mapping[str, Any]) -> Settings:
    """A dataclass from a running notebook's `globals()`: each field takes the UPPER_CASE name of the same spelling.

    Fields without such a name keep their defaults, and names without a field are left alone.
    """
    names = [field.name for field in fields(kind) if field.name.upper() in parameters]
    return kind(**{name: parameters[name.upper()] for name in names})


def _check(notebook: Notebook, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = defaults(notebook)
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise InputError(f"{where}: unknown parameter {name!r}{hint}; {notebook.key} takes {', '.join(known)}")
    return {name: _fit(value, known[name], f"{where}: {name}") for name, value in values.items()}


def _fit(value: Any, default: Any, where: str) -> Any:
    """`value` as the type of `default`, or an InputError."""
    if default is None:
        return value
    if isinstance(default, float) and not isinstance(value, bool):
        try:  # YAML 1.1 reads 1e-3, without a point, as text
            return float(value)
        except (TypeError, ValueError):
            pass  # the error below names the parameter
    elif type(value) is type(default):
        if isinstance(default, list) and default:
            return [_fit(item, default[0], where) for item in value]
        return value
    raise InputError(f"{where} is {value!r}; wanted {type(default).__name__}, as the default {default!r}")


def _assignment(statement: ast.stmt, path: Path) -> tuple[str, Any]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target, value = statement.target, statement.value
    else:
        raise InputError(f"{path}: {ast.unparse(statement)!r} in the parameters cell is not NAME = literal")
    try:
        literal = ast.literal_eval(value)
    except ValueError as error:
        raise InputError(f"{path}: the value of {ast.unparse(statement)!r} is not a literal") from error
    if not isinstance(target, ast.Name) or not isinstance(literal, bool | int | float | str | list | dict | None):
        raise InputError(f"{path}: {ast.unparse(statement)!r}: wanted NAME = number, text, list, mapping or None")
    return target.id, literal


def _comments(source: str) -> dict[int, str]:
    """Text of the comment on each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
