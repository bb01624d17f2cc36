import json
from dataclasses import dataclass

import papermill
import pytest

from ndslib.core import notebooks, presets
from ndslib.core.errors import InputError


def load(key="nds/03_transfer"):
    return notebooks.load(key)


def set_literals(path, source):
    content = json.loads(path.read_text())
    content["cells"][1]["source"] = source
    path.write_text(json.dumps(content))


def test_parameters_have_values_and_comments(write_notebook):
    path = write_notebook("nds/03_transfer")
    set_literals(path, "A = -1  # one\nB = [\n    0.5,\n    1.0,\n]  # two\nC: str = 'x # y'  # three\nD = None")
    found = presets.parameters(load())
    assert [(p.name, p.value, p.comment) for p in found.values()] == [
        ("A", -1, "one"),
        ("B", [0.5, 1.0], "two"),
        ("C", "x # y", "three"),
        ("D", None, ""),
    ]


def test_papermill_sees_the_same_parameters(write_notebook):
    path = write_notebook("nds/03_transfer")
    assert list(papermill.inspect_notebook(path)) == list(presets.parameters(load()))


@pytest.mark.parametrize(
    "source", ["A = f()", "A = B = 1", "import os", "A, B = 1, 2", "A = (1, 2)", "A: int", "A = {1}"]
)
def test_refuses_parameters_that_are_no_literals(write_notebook, source):
    set_literals(write_notebook("nds/03_transfer"), source)
    with pytest.raises(InputError, match=r"03_transfer\.ipynb"):
        presets.parameters(load())


@pytest.mark.parametrize("tagged", [[], ["parameters", "parameters"]])
def test_refuses_none_or_two_parameter_cells(write_notebook, tagged):
    path = write_notebook("nds/03_transfer")
    content = json.loads(path.read_text())
    for cell, tag in zip(content["cells"][1:3], [*tagged, "", ""], strict=False):
        cell["metadata"]["tags"] = [tag]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"{len(tagged)} cells are tagged 'parameters'"):
        presets.parameters(load())


def test_later_sources_win(write_notebook):
    write_notebook("nds/03_transfer", presets={"laptop": "PRESET: laptop\nSEED: 3\nRATE: 1e-3"})
    smoke = {"PRESET": "smoke", "SEED": 0, "RATE": 0.1, "NAME": "a", "KS": [1, 2]}
    assert presets.resolve(load()) == smoke
    assert presets.resolve(load(), "laptop") == smoke | {"PRESET": "laptop", "SEED": 3, "RATE": 0.001}
    assert presets.resolve(load(), "laptop", {"SEED": 5})["SEED"] == 5
    assert isinstance(presets.resolve(load(), "smoke", {"RATE": 1})["RATE"], float)


def test_a_run_cannot_bear_the_name_of_another_preset(write_notebook):
    write_notebook("nds/03_transfer", presets={"laptop": "PRESET: laptop"})
    assert presets.resolve(load(), "laptop", {"PRESET": "laptop"})["PRESET"] == "laptop"
    for preset in ("smoke", "laptop"):
        with pytest.raises(InputError, match=f"PRESET is 'paper' in a run of the preset '{preset}'.*--preset paper"):
            presets.resolve(load(), preset, {"PRESET": "paper"})


def test_names_run_from_the_smallest(write_notebook):
    texts = dict.fromkeys(("paper", "laptop", "gpu", "cluster"), "SEED: 1")
    write_notebook("nds/03_transfer", presets=texts)
    write_notebook("nds/03_transfer_more", presets={"other": "SEED: 1"})
    assert presets.names(load()) == ["smoke", "laptop", "gpu", "paper", "cluster"]


def test_unknown_preset_names_the_valid_ones(write_notebook):
    write_notebook("nds/03_transfer", presets={"laptop": "SEED: 3"})
    with pytest.raises(InputError, match=r"no preset 'labtop'; it has: smoke, laptop"):
        presets.resolve(load(), "labtop")


def test_unknown_parameter_names_the_valid_ones(write_notebook):
    write_notebook("nds/03_transfer", presets={"laptop": "SEEED: 3"})
    with pytest.raises(InputError, match=r"'SED' \(did you mean SEED\?\).*takes PRESET, SEED, RATE, NAME, KS"):
        presets.resolve(load(), "smoke", {"SED": 3})
    with pytest.raises(InputError, match=r"laptop\.yaml: unknown parameter 'SEEED'"):
        presets.resolve(load(), "laptop")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEED", 1.5),
        ("SEED", True),
        ("SEED", "3"),
        ("SEED", None),
        ("RATE", "fast"),
        ("RATE", True),
        ("NAME", 3),
        ("KS", 3),
        ("KS", [1, "b"]),
    ],
)
def test_refuses_a_value_of_another_type(write_notebook, name, value):
    write_notebook("nds/03_transfer")
    with pytest.raises(InputError, match=f"nds/03_transfer: {name} is .*wanted"):
        presets.resolve(load(), "smoke", {name: value})


@pytest.mark.parametrize("text", ["- 1", "just text", "", "a: [", "PRESET: paper"])
def test_refuses_a_wrong_preset_file(write_notebook, text):
    write_notebook("nds/03_transfer", presets={"laptop": text})
    with pytest.raises(InputError, match=r"03_transfer\.laptop\.yaml: "):
        presets.resolve(load(), "laptop")


def test_command_line_texts_become_values(write_notebook):
    write_notebook("nds/03_transfer")
    texts = ["SEED=3", "RATE=1e-3", "NAME=7=x", "KS=[4, 5]"]
    values = presets.parse_overrides(load(), texts)
    assert values == {"SEED": 3, "RATE": 0.001, "NAME": "7=x", "KS": [4, 5]}
    for wrong in ("SEED", "SEED=a", "KS=[", "SEDE=3"):
        with pytest.raises(InputError):
            presets.parse_overrides(load(), [wrong])


def test_settings_take_the_parameters_that_they_have_a_field_for():
    @dataclass(frozen=True)
    class Settings:
        steps: int = 3
        lr: float = 0.1

    found = presets.settings_of(Settings, {"STEPS": 7, "steps": 9, "OTHER": 1})
    assert found == Settings(steps=7)
