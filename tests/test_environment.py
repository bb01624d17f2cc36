"""pyproject.toml, constraints.txt and environment.yml say the same, and say all that is imported."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """By canonical name; a name twice is an error."""
    found: dict[str, Requirement] = {}
    for requirement in map(Requirement, lines):
        assert canonicalize_name(requirement.name) not in found, f"{requirement.name} stands twice"
        found[canonicalize_name(requirement.name)] = requirement
    return found


def exact(requirement: Requirement) -> str:
    """The version of an exact pin."""
    match = re.fullmatch(r"==([\w.]+)", str(requirement.specifier))
    assert match, f"{requirement} is no exact pin"
    return match[1]


@pytest.fixture(scope="module")
def wanted() -> dict[str, Requirement]:
    """What `make` installs: the core and the extra `test`."""
    return requirements(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"])


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = requirements([line for line in lines if line and not line.startswith("#")])
    return {name: exact(requirement) for name, requirement in pinned.items()}


@pytest.fixture(scope="module")
def conda() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_every_requirement_is_pinned_within_its_bound(wanted, pins):
    for name, requirement in wanted.items():
        assert name in pins, f"{name} is in pyproject.toml but not in constraints.txt"
        assert requirement.specifier.contains(pins[name]), f"{name}=={pins[name]} is outside {requirement}"


def test_every_requirement_has_a_lower_bound(wanted):
    extras = [r for name, lines in PROJECT["optional-dependencies"].items() if name != "test" for r in lines]
    for requirement in [*wanted.values(), *map(Requirement, extras)]:
        assert str(requirement.specifier).startswith(">=") or requirement.name == "ndslib"


def test_conda_environment_has_the_same_packages_at_the_same_versions(wanted, pins, conda):
    pip_lines = next(item["pip"] for item in conda["dependencies"] if isinstance(item, dict))
    options = [line for line in pip_lines if line.startswith("-")]
    assert options == ["-c constraints.txt", "-e ."]
    listed = requirements([line for line in pip_lines if not line.startswith("-")])
    assert {name: exact(requirement) for name, requirement in listed.items()} == {name: pins[name] for name in wanted}


def test_conda_python_satisfies_pyproject(conda):
    python = next(item for item in conda["dependencies"] if isinstance(item, str) and item.startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))


def test_pins_reach_old_patch_releases_of_python(pins):
    # soupsieve 3 and later refuse Python 3.11.0 to 3.11.4, which Debian 12 ships.
    assert int(pins["soupsieve"].split(".")[0]) < 3


def test_every_import_is_declared(wanted):
    declared = set(wanted) | {
        canonicalize_name(Requirement(line).name)
        for lines in PROJECT["optional-dependencies"].values()
        for line in lines
    }
    distributions = packages_distributions()
    for file in [*ROOT.glob("ndslib/**/*.py"), *ROOT.glob("notebooks/**/*.py")]:
        for module in imported(file) - set(sys.stdlib_module_names) - {"ndslib"}:
            names = {canonicalize_name(name) for name in distributions.get(module, [module])}
            assert names & declared, f"{file} imports {module}, which pyproject.toml does not declare"


def imported(file: Path) -> set[str]:
    """Top-level names of the absolute imports anywhere in a file."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_other_pins_are_another_environment(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)

    def key() -> str:
        done = subprocess.run(["make", "-s", "pins"], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    before = key()
    assert re.fullmatch(r"[0-9a-f]{16}", before)
    assert key() == before
    with open(tmp_path / "constraints.txt", "a") as stream:
        stream.write("another==1.0\n")
    assert key() != before
