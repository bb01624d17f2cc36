"""The commands `ndslib task2sim predict | task2vec | train`, as a person gives them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from typer.testing import CliRunner

from ndslib.cli import app
from ndslib.core import paths
from ndslib.core.files import sha256_file
from ndslib.core.models import ResNet18
from ndslib.core.seeding import isolated
from ndslib.sim import PARAMETERS
from ndslib.task2sim import Policy, RewardTable
from ndslib.task2sim.vectors import TaskVectors

TASKS = {"round": (0, 6, 8), "straight": (1, 4, 7)}  # digits of scikit-learn
RENDER = ("--classes", 3, "--size", 16, "--meshes-per-class", 1, "--workers", 1)
# Gives the command of its arguments, and kills itself when the fourth picture is to be written: in the second class.
KILLED = """
import os, signal, sys
from PIL import Image
from ndslib.cli import app
save, count = Image.Image.save, 0
def save_some(*arguments):
    global count
    count += 1
    if count == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    save(*arguments)
Image.Image.save = save_some
app(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are laid out for the terminal's width."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr("ndslib.core.terminal.console._width", 250)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of two tasks, three classes of six digits each: white on black, and turquoise on red."""
    root, digits = tmp_path_factory.mktemp("tasks"), load_digits()
    for name, classes in TASKS.items():
        for digit in classes:
            for number, image in enumerate(digits.images[digits.target == digit][:6]):
                path = root / name / str(digit) / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                grey = (image * 15).astype(np.uint8)
                Image.fromarray(grey if name == "round" else np.stack([255 - grey, grey, grey], axis=2)).save(path)
    return root


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a probe network."""
    path = tmp_path_factory.mktemp("probe") / "probe.safetensors"
    with isolated("test probe"):
        network = ResNet18(2, width=4)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)
    return path


@pytest.fixture(scope="module")
def table() -> RewardTable:
    """Round digits want every parameter varied, straight ones all fixed."""
    varied = np.indices([2] * 8).sum(0) / 8
    return RewardTable(tuple(TASKS), PARAMETERS, 100 * np.stack([varied, 1 - varied]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tasks: Path, probe: Path, table: RewardTable) -> Path:
    """A folder with the tasks' vectors, their rewards, and a policy that found the best setting of each."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NDSLIB_CACHE", str(folder / "cache"))  # it is made before a test gets its own
        embed(folder / "vectors.npz", tasks / "round", tasks / "straight", probe=probe)
    table.to_csv(folder / "rewards.csv")
    config = {"hidden": 64, "epochs": 150, "lr": 0.003, "warmup": 5, "gradient": "exact", "length": 10.0}
    fitted = Policy(**config).fit(TaskVectors.load(folder / "vectors.npz"), table)
    fitted.save(folder / "policy.safetensors")
    return folder


@pytest.fixture
def policy(trained: Path) -> Path:
    return trained / "policy.safetensors"


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["task2sim", *map(str, arguments)])


def done(*arguments: object) -> str:
    """What a command that succeeds prints."""
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    """The message of a command that refuses its input."""
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert "error:" in result.stderr
    assert result.stdout == ""
    return result.stderr


def embed(out: Path, *folders: Path, probe: Path | str, samples: int = 20) -> str:
    return done("task2vec", *folders, "--out", out, "--probe", probe, "--samples", samples, "--size", 16)


def lines(text: str) -> dict[str, list[str]]:
    """Rows of printed tables by their first column."""
    rows = [[cell.strip() for cell in line.split("│")] for line in text.splitlines() if "│" in line]
    return {first: rest for first, *rest in rows}


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# From folders to a policy


def test_vectors_of_folders_carry_their_names_and_recipe(trained):
    vectors = TaskVectors.load(trained / "vectors.npz")
    assert vectors.names == ("round", "straight")
    assert vectors.recipe.description["options"] == {"samples": 20, "seed": 0}
    assert (vectors.recipe.size, vectors.recipe.method) == (16, "montecarlo")
    assert (vectors.values >= 0).all()
    assert not np.allclose(*vectors.values)


def test_vectors_are_added_to_a_file_if_they_are_of_its_recipe(tmp_path, tasks, probe, trained):
    out = tmp_path / "vectors.npz"
    assert "1 task vectors in" in embed(out, tasks / "straight", probe=probe)
    assert "2 task vectors in" in embed(out, tasks / "round", probe=probe)
    whole, added = (TaskVectors.load(path) for path in (trained / "vectors.npz", out))
    assert np.array_equal(added.of(whole.names).values, whole.values)
    before = out.read_bytes()
    message = refused("task2vec", tasks / "round", "--out", out, "--probe", probe, "--samples", 21, "--size", 16)
    assert "made differently and cannot be compared" in message
    assert out.read_bytes() == before


@pytest.fixture
def no_task2vec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where Task2Vec would be computed."""

    def computed(*arguments: object) -> None:
        raise AssertionError("Task2Vec was computed before the input was refused")

    monkeypatch.setattr("ndslib.task2sim.vectors.Recipe.vector", computed)


@pytest.mark.usefixtures("no_task2vec")
def test_vectors_of_another_recipe_are_refused_before_one_is_computed(tasks, probe, trained):
    task2vec = ("task2vec", tasks / "round", "--out", trained / "vectors.npz", "--probe", probe, "--size", 16)
    assert "made differently and cannot be compared" in refused(*task2vec, "--samples", 21)


@pytest.mark.usefixtures("no_task2vec")
def test_tasks_of_one_name_are_refused_before_a_vector_is_computed(tasks, probe, tmp_path):
    for twin in (tasks / "round", tmp_path / "round"):
        message = refused(
            "task2vec", tasks / "round", tasks / "straight", twin, "--out", tmp_path / "v.npz", "--probe", probe
        )
        assert f"{tasks / 'round'} and {twin}: both tasks would be named 'round'" in message
        assert "rename one" in message
    assert not (tmp_path / "v.npz").exists()


def test_the_pretrained_probe_is_made_where_there_is_none(tmp_path, tasks, monkeypatch):
    network = ResNet18(2, width=2)
    monkeypatch.setattr("ndslib.task2sim.experiments.Settings.probe_network", lambda self: network)
    done("task2vec", tasks / "round", "--out", tmp_path / "vectors.npz", "--samples", 5)
    assert TaskVectors.load(tmp_path / "vectors.npz").recipe.size == 32


def test_the_papers_probe_is_imagenets(tmp_path, tasks, monkeypatch):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    message = refused("task2vec", tasks / "round", "--out", tmp_path / "vectors.npz", "--probe", "imagenet")
    assert "the ImageNet weights of resnet18 are not at" in message
    assert "curl" in message
    assert not (tmp_path / "vectors.npz").exists()


def test_a_probe_that_is_none_is_refused(tmp_path, tasks, policy):
    for probe, message in (
        (tmp_path / "absent.safetensors", "absent.safetensors: not a readable safetensors file"),
        (policy, "policy.safetensors: not the weights of an ndslib.core.models.ResNet18"),
    ):
        assert message in refused("task2vec", tasks / "round", "--out", tmp_path / "vectors.npz", "--probe", probe)


def test_a_policy_is_trained_and_its_rewards_are_shown(trained, table, tmp_path):
    train, out = ("train", trained / "rewards.csv", trained / "vectors.npz", "--improved"), tmp_path / "policy.st"
    rows = lines(done(*train, "--seed", 3, "--members", 2, "--out", out))
    fitted = Policy.load(out)
    wanted = Policy.improved(seed=3, members=2)
    assert (fitted.config, fitted.parameters, fitted.seen.names) == (wanted.config, PARAMETERS, table.tasks)
    reached = table(np.arange(2), fitted.predict(fitted.seen))
    for name, reward in zip((*table.tasks, "mean"), (*reached, reached.mean()), strict=True):
        assert rows[name] == [f"{reward:.2f}", "50.00", "100.00"]


def test_a_task_of_the_table_without_a_vector_is_refused(trained, table, tmp_path):
    renamed = RewardTable(("round", "square"), table.parameters, table.values)
    renamed.to_csv(tmp_path / "rewards.csv")
    message = refused("train", tmp_path / "rewards.csv", trained / "vectors.npz", "--out", tmp_path / "policy.st")
    assert "no task vectors of ['square']; there are those of ['round', 'straight']" in message
    assert not (tmp_path / "policy.st").exists()


def test_files_that_are_not_there_are_refused(trained, tmp_path):
    out = ("--out", tmp_path / "policy.st")
    assert "no such reward table" in refused("train", tmp_path / "t.csv", trained / "vectors.npz", *out)
    assert "v.npz: not a readable" in refused("train", trained / "rewards.csv", tmp_path / "v.npz", *out)
    assert "there is a folder of this name" in refused(
        "train", trained / "rewards.csv", trained / "vectors.npz", "--out", tmp_path
    )


def test_vectors_that_do_not_say_how_they_were_made(trained, tasks, tmp_path):
    vectors, out = TaskVectors.load(trained / "vectors.npz"), tmp_path / "policy.st"
    TaskVectors(vectors.names, vectors.values).save(tmp_path / "bare.npz")
    train = ("train", trained / "rewards.csv", tmp_path / "bare.npz", "--improved", "--out", out)
    assert "does not say how its vectors were made: see --made-by" in done(*train)
    assert "say what they are with `ndslib task2sim train --made-by`" in refused(
        "predict", tasks / "round", "--policy", out
    )
    assert "--made-by" not in done(*train, "--made-by", "resnet18")
    assert Policy.load(out).seen.recipe.description["probe"]["name"] == "resnet18"
    assert "torchvision has no classifier 'vgg'" in refused(*train, "--made-by", "vgg")
    known = ("train", trained / "rewards.csv", trained / "vectors.npz", "--out", out, "--made-by", "resnet18")
    assert "leave --made-by out" in refused(*known)


# Prediction


def test_a_prediction_for_a_person(tasks, policy):
    for name, choice, other in (("round", "varied", "straight"), ("straight", "fixed", "round")):
        rows = lines(done("predict", tasks / name, "--policy", policy))
        for parameter in PARAMETERS:
            chosen, fixed, varied = rows[parameter.name]
            assert chosen == choice
            assert float(fixed) + float(varied) == pytest.approx(1, abs=0.002)
            assert (float(varied) > 0.5) == (choice == "varied")
        assert rows[name] == ["0.000"]
        assert 0 < float(rows[other][0]) <= 1


def test_a_prediction_for_a_program(tasks, policy):
    found = json.loads(done("predict", tasks / "round", "--policy", policy, "--json"))
    assert found["settings"] == {parameter.name: 1 for parameter in PARAMETERS}
    assert (found["task"], found["policy"]) == ("round", sha256_file(policy)[:16])
    assert [each["task"] for each in found["closest"]] == ["round", "straight"]
    for chances in found["probabilities"].values():
        assert sum(chances) == pytest.approx(1)
        assert chances[1] > 0.5


def test_a_new_task_is_looked_at_by_the_policys_own_probe(tasks, policy, tmp_path):
    new = tmp_path / "new"
    for digit in ("1", "6"):
        for number in range(6):
            source = tasks / ("straight" if digit == "1" else "round") / digit / f"{number}.png"
            (new / digit).mkdir(parents=True, exist_ok=True)
            (new / digit / source.name).write_bytes(source.read_bytes())
    found = json.loads(done("predict", new, "--policy", policy, "--json"))
    assert all(0 < each["distance"] < 1 for each in found["closest"])


def test_data_that_is_no_task_is_refused(tasks, policy, tmp_path):
    for folder, message in (
        (tmp_path / "absent", "no such folder"),
        (tasks / "round" / "0", "it holds no class folder"),
        (tmp_path, "it holds no class folder"),
    ):
        assert message in refused("predict", folder, "--policy", policy)
    (tmp_path / "one").mkdir()
    Image.new("L", (9, 9)).save(tmp_path / "one" / "only.png")
    assert "its only class is 'one'" in refused("predict", tmp_path, "--policy", policy)


def test_an_unreadable_image_is_named_and_left_out_if_wanted(tasks, policy, tmp_path):
    for path in (tasks / "round").rglob("*.png"):
        copy = tmp_path / path.relative_to(tasks)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / "round" / "6" / "3.png").write_text("no image")
    assert "6/3.png: not a readable image header" in refused("predict", tmp_path / "round", "--policy", policy)
    result = call("predict", tmp_path / "round", "--policy", policy, "--skip-corrupt", "--json")
    assert result.exit_code == 0
    assert "6/3.png" in result.stderr
    assert json.loads(result.stdout)["closest"][0]["task"] == "round"


def test_a_policy_that_is_none_is_refused(tasks, probe, tmp_path):
    assert "safetensors without a policy's metadata" in refused("predict", tasks / "round", "--policy", probe)
    assert "not a readable safetensors file" in refused("predict", tasks / "round", "--policy", tmp_path / "absent.st")


# Rendering


def test_a_set_is_rendered_with_the_predicted_settings(tasks, policy, tmp_path):
    predict = ("predict", tasks / "round", "--policy", policy, "--render", 2, tmp_path / "out", *RENDER, "--seed", 4)
    result = call(*predict)
    assert result.exit_code == 0, result.output
    assert "3 classes of 2 images in" in result.stdout
    assert "Next: pretrain a network on them" in result.stdout
    assert "rendering classes: 3/3" in result.stderr
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert about["settings"] == {parameter.name: 1 for parameter in PARAMETERS}
    assert (about["task"], about["policy"], about["seed"]) == ("round", sha256_file(policy)[:16], 4)
    assert len(about["classes"]) == 3
    pictures = {f"{name}/0000{number}.png" for name in about["classes"] for number in range(2)}
    assert set(bytes_below(tmp_path / "out")) == {"dataset.json"} | pictures
    with Image.open(tmp_path / "out" / min(pictures)) as picture:
        assert picture.size == (16, 16)
    again = call(*predict, "--json")
    assert json.loads(again.stdout)["settings"] == about["settings"]
    assert "rendering classes" not in again.stderr


def test_a_killed_rendering_goes_on_and_ends_with_the_bytes_of_an_undisturbed_one(tasks, policy, tmp_path):
    predict = ("predict", tasks / "straight", "--policy", policy, *RENDER)
    command = [sys.executable, "-c", KILLED, "task2sim", *map(str, predict), "--render", "3", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(paths.repo_root())}
    killed = subprocess.run(command, cwd=paths.repo_root(), env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    left = bytes_below(tmp_path / "out")
    shown = sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
    assert shown == ["airplane"]
    assert sorted(name for name in left if name.startswith("airplane")) == [f"airplane/0000{i}.png" for i in range(3)]
    stamp = (tmp_path / "out" / "airplane" / "00000.png").stat().st_mtime_ns
    output = call(*predict, "--render", 3, tmp_path / "out")
    assert "rendering classes: 2/2" in output.stderr
    assert (tmp_path / "out" / "airplane" / "00000.png").stat().st_mtime_ns == stamp
    done(*predict, "--render", 3, tmp_path / "undisturbed")
    assert bytes_below(tmp_path / "out") == bytes_below(tmp_path / "undisturbed")
    assert len(bytes_below(tmp_path / "out")) == 10


def test_what_cannot_be_rendered_is_refused_before_anything_is_made(tasks, policy, tmp_path):
    predict, out = ("predict", tasks / "round", "--policy", policy), tmp_path / "out"
    assert "images_per_class is 0" in refused(*predict, "--render", 0, out, *RENDER)
    assert "181 classes are asked for; the simulator has 180" in refused(*predict, "--render", 1, out, "--classes", 181)
    assert "choose torch or mitsuba" in refused(*predict, "--render", 1, out, "--simulator", "blender")
    assert "would count as one of your classes" in refused(*predict, "--render", 1, tasks / "round" / "out")
    assert not out.exists()
    assert call(*predict, "--render", "many", out).exit_code == 2
    assert call(*predict, "--render", 1).exit_code == 2


def test_a_set_among_the_users_own_images_is_refused_by_whatever_name(tasks, policy, tmp_path):
    (tmp_path / "link").symlink_to(tasks / "round")
    for folder, out in (
        (tasks / "round", tasks / "straight" / ".." / "round" / "out"),
        (tasks / "round", tmp_path / "link" / "out"),
        (tmp_path / "link", tasks / "round" / "out"),
    ):
        message = refused("predict", folder, "--policy", policy, "--render", 1, out, *RENDER)
        assert "would count as one of your classes" in message
    assert not (tasks / "round" / "out").exists()


@pytest.mark.usefixtures("no_task2vec")
def test_a_folder_that_cannot_take_the_set_is_refused_before_task2vec_is_computed(tasks, policy, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for out, message in (
        (tmp_path, "it holds other files (notes.txt); give a new or an empty folder"),
        (tmp_path / "notes.txt", "cannot be written"),
    ):
        assert message in refused("predict", tasks / "round", "--policy", policy, "--render", 1, out, *RENDER)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_parameter_that_the_simulator_does_not_have_is_refused(tasks, trained, tmp_path):
    vectors = TaskVectors.load(trained / "vectors.npz")
    table = RewardTable(vectors.names, (PARAMETERS[0], PARAMETERS[1]._replace(name="fog")), np.ones((2, 2, 2)))
    Policy(hidden=4, epochs=1).fit(vectors, table).save(tmp_path / "policy.st")
    predict = ("predict", tasks / "round", "--policy", tmp_path / "policy.st")
    assert set(json.loads(done(*predict, "--json"))["settings"]) == {"object_rotation", "fog"}
    message = refused(*predict, "--render", 1, tmp_path / "out", *RENDER)
    assert "the policy chooses ['fog'], which this simulator does not have" in message
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_set_is_refused(tasks, policy, tmp_path):
    render = ("--render", 1, tmp_path / "out", *RENDER)
    done("predict", tasks / "round", "--policy", policy, *render)
    before = bytes_below(tmp_path / "out")
    result = call("predict", tasks / "straight", "--policy", policy, *render)
    assert result.exit_code == 2
    assert "it holds another set, which differs in task" in result.stderr
    assert bytes_below(tmp_path / "out") == before
