"""The commands index, serve, rate and adapt, as a person gives them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

import ndslib.nds
from ndslib.cli import app
from ndslib.core.errors import InputError
from ndslib.data import sample_list
from ndslib.nds import Index
from ndslib.nds.service import running
from ndslib.nds_commands import parse_bytes

TINY = ("--steps", 1, "--width", 2, "--size", 8)


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are laid out for the terminal's width."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr("ndslib.core.terminal.console._width", 250)


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """Writes noise, a picture a file, into the class folders `even` and `odd` of a folder, or into itself."""

    def make(name: str, count: int = 8, classes: bool = True) -> Path:
        for number in range(count):
            place = tmp_path / name / (("even", "odd")[number % 2] if classes else "") / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng([number, *name.encode()]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place)
        return tmp_path / name

    return make


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


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
    return result.stderr


def test_from_folders_to_a_list(tmp_path, pictures):
    place, mine = tmp_path / "places", pictures("mine", 6, classes=False)
    output = done("index", place, pictures("forest"), "--experts", 2, "--licence", "CC0-1.0", *TINY)
    for text in ("forest/0", "forest/1", "8 images, 2 experts"):
        assert text in output
    assert "16 images, 3 experts" in done("index", place, pictures("sea", classes=False), "--experts", 1, *TINY)
    scores, list_of_one, picks = (tmp_path / name for name in ("scores.json", "one.csv", "picks.parquet"))
    with running(Index.open(place)) as url:
        output = done("rate", url, mine, "--out", scores)
        assert json.loads(scores.read_text())["scores"].keys() == {"forest/0", "forest/1", "sea/0"}
        for text in ("forest/1", "3 scores in", str(scores)):
            assert text in output
        output = done("adapt", url, mine, "--budget", 10, "--out", picks)
        assert f"10 samples listed in {picks}" in output
        for text in ("weight", "sea/0", "forest"):
            assert text in output
        done("adapt", url, "--scores", scores, "--budget-bytes", "1kB", "--dataset", "forest", "--out", list_of_one)
    assert sample_list.read(picks).num_rows == 10
    assert set(sample_list.read(list_of_one)["dataset"].to_pylist()) == {"forest"}


def test_the_same_command_again_changes_nothing(tmp_path, pictures, no_training):
    command = ("index", tmp_path / "places", pictures("forest"), "--experts", 2, *TINY)
    first = done(*command)
    no_training()
    assert done(*command) == first
    assert "forest: a dataset of this name is indexed with other settings" in refused(*command, "--experts", 1)


def test_what_is_said_of_a_dataset_is_kept(tmp_path, pictures):
    options = ("--name", "woods", "--title", "The woods", "--link", "http://woods.example", "--licence", "CC0-1.0")
    options += ("--base-url", "http://woods.example/pictures", "--seed", 3, "--experts", 1)
    done("index", tmp_path / "places", pictures("forest"), *options, *TINY)
    index = Index.open(tmp_path / "places")
    (dataset,) = index.datasets
    assert index.name == "places"
    assert (dataset.name, dataset.title, dataset.link, dataset.licence) == (
        "woods",
        "The woods",
        "http://woods.example",
        "CC0-1.0",
    )
    assert (dataset.seed, dataset.size, dataset.task, dataset.gating) == (3, 8, "rotation", "unsupervised")
    row = index.read(np.array([0])).to_pylist()[0]
    assert row["uri"].startswith("http://woods.example/pictures/")
    assert row["label"] in ("even", "odd")


def test_class_folders_give_superclasses_and_classifying_experts(tmp_path, pictures):
    options = ("--gating", "superclass", "--task", "classification", "--extractor", "labels", "--experts", 2)
    done("index", tmp_path / "places", pictures("forest"), *options, *TINY)
    (dataset,) = Index.open(tmp_path / "places").datasets
    assert sorted(dataset.cluster_sizes) == [4, 4]
    message = refused("index", tmp_path / "others", pictures("flat", classes=False), *options, *TINY)
    assert "none of the 8 images has a label; use task='rotation'" in message


def test_unreadable_images_are_named_and_left_out(tmp_path, pictures):
    folder, place = pictures("forest"), tmp_path / "places"
    (folder / "even" / "empty.png").write_bytes(b"")
    whole = (folder / "even" / "0.png").read_bytes()
    (folder / "even" / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert "empty.png" in refused("index", place, folder, *TINY)
    output = call("index", place, folder, "--experts", 1, "--skip-corrupt", *TINY)
    assert output.exit_code == 0
    assert re.search(r"warning: forest: 1 of 10 images are unreadable: .*empty\.png", output.output)
    assert re.search(r"left out: .*cut\.png", output.output)
    assert "8 images, 1 experts" in output.output
    with running(Index.open(place)) as url:
        assert "--skip-corrupt" in refused("rate", url, folder, "--out", tmp_path / "scores.json")
        assert not (tmp_path / "scores.json").exists()
        result = call("rate", url, folder, "--skip-corrupt", "--out", tmp_path / "scores.json")
        assert "warning: 2 of 10 images are unreadable" in result.output
        assert (tmp_path / "scores.json").exists()


def test_a_dataset_with_a_manifest_is_indexed_with_its_annotations(tmp_path, pictures, monkeypatch):
    root = tmp_path / "data" / "coco"
    monkeypatch.setenv("NDSLIB_DATA", str(root.parent))
    pictures("data/coco/train2017", 4, classes=False)
    document = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 8, "height": 8} for n in range(4)],
        "annotations": [
            {"id": 1, "image_id": 2, "category_id": 1, "bbox": [1, 1, 4, 4], "segmentation": [[1, 1, 5, 1, 5, 5]]}
        ],
        "categories": [{"id": 1, "name": "dog"}],
    }
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_train2017.json").write_text(json.dumps(document))
    options = ("--manifest", "coco", "--experts", 1, "--base-url", "http://images.cocodataset.org")
    done("index", tmp_path / "places", *options, "--skip-corrupt", *TINY)
    index = Index.open(tmp_path / "places")
    (dataset,) = index.datasets
    assert (dataset.name, dataset.title, dataset.link) == ("coco", "Microsoft COCO 2017", "https://cocodataset.org/")
    rows = index.read(np.arange(4), annotations=True).to_pylist()
    assert {row["uri"] for row in rows} == {f"http://images.cocodataset.org/train2017/{n}.png" for n in range(4)}
    assert {cell.labels: cell.images for cell in dataset.cells} == {"none": 3, "masks": 1}
    assert [json.loads(row["annotation"])[0]["category"] for row in rows if row["annotation"] != "[]"] == ["dog"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the folder of the images, or a dataset of `ndslib data list` with --manifest"),
        (["absent"], "absent: no such folder; give the folder of the images"),
        (["--manifest", "digits", "--name", "mine"], "--name and --licence are for a folder of your own"),
        (["--manifest", "diggits"], "did you mean digits"),
        (["--manifest", "digits", "--split", "dev"], "digits has no split 'dev'"),
        (["forest", "--extractor", "magic"], "extractor is 'magic'; choose rotation, labels or imagenet"),
        (["forest", "--extractor", "imagenet"], "the ImageNet weights of resnet18 are not at"),
        (["forest", "--gating", "magic"], "gating is 'magic'"),
        (["forest", "--task", "magic"], "expert task is 'magic'"),
        (["forest", "--experts", "9"], "K = 9 parts of 8 samples"),
        (["forest", "--base-url", "forest.example"], "it starts with http:// or https://"),
        (["forest", "--name", "a/b"], "cannot be a folder name"),
        (["forest", "--device", "cuda:99"], "torch finds no CUDA device"),
    ],
)
def test_index_refuses(tmp_path, pictures, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    pictures("forest")
    assert message in refused("index", "places", *arguments, *TINY)
    assert not list(tmp_path.glob("places/datasets/*"))


def test_serve_says_what_is_missing(tmp_path, server, monkeypatch):
    assert "no index here" in refused("serve", tmp_path / "absent")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert re.search(rf"{port}.*in use", refused("serve", server.place, "--port", port))
    for name in [name for name in sys.modules if name.startswith("ndslib.nds.service")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(ndslib.nds, "service")
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert "the server needs fastapi: pip install 'ndslib[service]'" in refused("serve", server.place)


def test_serve_answers_until_it_is_interrupted(server):
    command = [sys.executable, "-m", "ndslib", "serve", str(server.place), "--port", "0", "--token", "secret"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stderr)
        url = next(filter(None, found))[0]
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        assert httpx.get(f"{url}/v1/index").status_code == 401
        assert httpx.get(f"{url}/v1/index", headers={"Authorization": "Bearer secret"}).json()["experts"] == 3
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


def test_the_token_may_come_from_the_environment(server, pictures, tmp_path, monkeypatch):
    mine, out = pictures("mine"), tmp_path / "picks.parquet"
    with running(server, token="secret") as url:
        assert "it wants a token; pass --token, or set NDSLIB_TOKEN" in refused("adapt", url, mine, "--budget", 3)
        monkeypatch.setenv("NDSLIB_TOKEN", "secret")
        done("adapt", url, mine, "--budget", 3, "--out", out, "--annotations")
    assert "annotation" in pq.read_schema(out).names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine"], "give one budget: images (--budget), or bytes to download (--budget-bytes)"),
        (["mine", "--budget", 3, "--budget-bytes", "5MB"], "give one budget"),
        (["mine", "--budget-bytes", "much"], "'much' is no number of bytes; write it as 500MB, 5GB or 2GiB"),
        (["mine", "--budget", 3, "--out", "picks.txt"], "picks.txt: a list's name ends in .parquet, .csv, .jsonl"),
        (["--budget", 3], "give the folder of your images, or scores of an earlier rating (--scores)"),
        (["--budget", 3, "--scores", "absent.json"], "absent.json: no such file; make one with `ndslib rate`"),
        (["mine", "--budget", 3], "cannot be reached"),
        (["mine", "--budget", 3, "--out", "mine/even/0.png/picks.csv"], "mine/even/0.png/picks.csv cannot be written"),
    ],
)
def test_adapt_refuses(tmp_path, pictures, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    pictures("mine")
    assert message in refused("adapt", "http://127.0.0.1:1", *arguments)
    assert {path.name for path in tmp_path.iterdir()} == {"mine"}


def test_rate_refuses_a_place_that_cannot_be_written_at_once(pictures):
    out = pictures("mine") / "even" / "0.png" / "scores.json"
    assert f"{out} cannot be written" in refused("rate", "http://127.0.0.1:1", pictures("mine"), "--out", out)


def test_a_licence_that_is_not_stated_can_be_asked_for(tmp_path, pictures):
    place, out, mine = tmp_path / "places", tmp_path / "picks.csv", pictures("mine")
    done("index", place, pictures("forest"), "--experts", 1, "--licence", "CC0-1.0", *TINY)
    done("index", place, pictures("sea"), "--experts", 1, *TINY)
    with running(Index.open(place)) as url:
        done("adapt", url, mine, "--budget", 3, "--licence", "not-stated", "--out", out)
        assert set(sample_list.read(out)["dataset"].to_pylist()) == {"sea"}
        assert "it has CC0-1.0, not-stated" in refused("adapt", url, mine, "--budget", 3, "--licence", "MIT")


@pytest.mark.parametrize(
    ("text", "count"),
    [("1", 1), ("500MB", 5 * 10**8), ("5gb", 5 * 10**9), (" 1.5 kB ", 1500), ("2GiB", 2**31), ("1T", 10**12)],
)
def test_bytes_as_people_write_them(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-5", "5 apples", "1e9", "5GBB", "1,5GB"])
def test_what_is_no_number_of_bytes(text):
    with pytest.raises(InputError, match="is no number of bytes; write it as 500MB"):
        parse_bytes(text)
